package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.context.EmptyContext;
import build.kiln.runtime.dockerfile.Oracle;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.store.LocalStore;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What {@code kiln check} and {@code kiln build --print=graph} do with a Dockerfile, for inputs
 * that a fuzzer makes. An ordinary run takes the kept ones only; CONTRIBUTING.md says how to look
 * for more.
 */
class PlanningFuzzTest {
  @TempDir
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  private static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static LocalStore store;

  @BeforeAll
  static void open() throws Exception {
    store = LocalStore.open(folder.resolve("store"));
  }

  @AfterAll
  static void close() throws Exception {
    store.close();
  }

  /** The parser, the plan of stages, the checks, and the graph as text, JSON and dot. */
  @MethodSource("build.kiln.runtime.differential.Seeds#dockerfiles")
  @FuzzTest
  void planning(byte[] input) throws Exception {
    try (var context = new EmptyContext()) {
      Oracle.holds(
          () -> {
            BuildGraph graph =
                PlanningBench.plan(SourceFile.of("Dockerfile", input), context, store);
            assertThat(graph.stages()).isNotEmpty();
            return graph;
          });
    }
  }
}
