package build.kiln.runtime.differential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.differential.BuildKit.Outcome;
import build.kiln.runtime.differential.Case.Accepted;
import build.kiln.runtime.sandbox.SandboxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every case of the corpus, built by BuildKit and by Kiln: both make the same image, or both
 * refuse. {@code -Dkiln.differential=REGEX} runs those cases only whose name matches.
 */
@Timeout(600)
class DifferentialIT {
  private static final String BASE = "busybox:1";

  /** Further bases of some cases, which are skipped where the daemon has none and can pull none. */
  private static final List<String> LARGE_BASES =
      List.of("debian:trixie-slim", "eclipse-temurin:25-jre");

  private static final String REPOSITORY = "kiln-differential-" + ProcessHandle.current().pid();
  private static final int AT_ONCE = 4;

  @TempDir(cleanup = org.junit.jupiter.api.io.CleanupMode.ALWAYS)
  @SuppressWarnings("NullAway.Init") // JUnit sets it
  private static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static Kiln kiln;

  private static final Map<String, Outcome> outcomes = new LinkedHashMap<>();
  private static final List<String> missing = new ArrayList<>();
  private static Map<String, Image> images = Map.of();

  static List<Case> cases() {
    String wanted = System.getProperty("kiln.differential", ".*");
    return Corpus.read().stream().filter(c -> c.name().matches(wanted)).toList();
  }

  @BeforeAll
  static void buildAllWithBuildKit() throws Exception {
    String lacking = BuildKit.lacking();
    assumeTrue(lacking == null, lacking);
    assumeTrue(BuildKit.has(BASE), "the Docker daemon has no image " + BASE);
    try {
      kiln = Kiln.open(folder.resolve("kiln"));
    } catch (SandboxException e) {
      assumeTrue(false, "RUN cannot be isolated here: " + e.getMessage());
    }
    kiln.take(BASE);
    for (String base : LARGE_BASES) {
      if (cases().stream().anyMatch(test -> test.mentions(base))) {
        if (BuildKit.has(base)) {
          kiln.take(base);
        } else {
          missing.add(base);
        }
      }
    }
    Map<String, Future<Outcome>> running = new LinkedHashMap<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE)) {
      for (Case test : cases()) {
        if (missing.stream().anyMatch(test::mentions)) {
          continue;
        }
        running.put(test.name(), threads.submit(() -> buildWithBuildKit(test)));
      }
    }
    for (var entry : running.entrySet()) {
      outcomes.put(entry.getKey(), entry.getValue().get());
    }
    Set<String> refused =
        cases().stream()
            .filter(test -> test.refusedByBuildKit() != null)
            .map(DifferentialIT::image)
            .collect(Collectors.toSet());
    images = BuildKit.images(builtNames().stream().filter(n -> !refused.contains(n)).toList());
  }

  private static Outcome buildWithBuildKit(Case test) throws InterruptedException {
    try {
      Path context = Files.createDirectories(context(test));
      test.write(context);
      return BuildKit.build(test, context, image(test));
    } catch (IOException e) {
      return new Outcome(false, "tried to build it, but " + e);
    }
  }

  private static List<String> builtNames() {
    return outcomes.entrySet().stream()
        .filter(entry -> entry.getValue().built())
        .map(entry -> REPOSITORY + ":" + entry.getKey())
        .toList();
  }

  @AfterAll
  static void clean() throws IOException, InterruptedException {
    BuildKit.remove(builtNames());
    if (kiln != null) {
      kiln.close();
    }
  }

  private static Path context(Case test) {
    return folder.resolve("contexts").resolve(test.name());
  }

  private static String image(Case test) {
    return REPOSITORY + ":" + test.name();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void bothBuildTheSame(Case test) throws Exception {
    missing.forEach(base -> assumeFalse(test.mentions(base), "Docker has no image " + base));
    Outcome outcome = Objects.requireNonNull(outcomes.get(test.name()));
    if (test.refusedByBuildKit() == null) {
      assertThat(outcome.built())
          .as("%s: BuildKit says%n%s", test.where(), outcome.output())
          .isTrue();
    } else {
      assertThat(outcome.built()).as(test.where() + ": BuildKit builds it").isFalse();
      assertThat(outcome.output()).as(test.where()).contains(test.refusedByBuildKit());
    }
    Image ours;
    try {
      ours = kiln.build(test, context(test));
    } catch (BuildException e) {
      if (test.refusedByKiln() == null && outcome.built()) {
        accept(test, List.of("Kiln refuses: " + words(e)));
      } else if (test.refusedByKiln() == null) {
        fail(test.where() + ": Kiln says\n" + words(e), e);
      } else {
        assertThat(e.getMessage()).as(test.where()).contains(test.refusedByKiln());
      }
      return;
    }
    assertThat(test.refusedByKiln()).as(test.where() + ": Kiln builds it").isNull();
    if (outcome.built()) {
      Image theirs = Objects.requireNonNull(images.get(image(test)));
      accept(test, Comparison.differences(ours, theirs));
    }
  }

  private static String words(BuildException e) {
    String message = String.valueOf(e.getMessage());
    return e.step() == null ? message : message + "\n" + e.step().logTail();
  }

  private static void accept(Case test, List<String> differences) {
    var unlisted = new ArrayList<String>();
    var met = new HashSet<Accepted>();
    for (String difference : differences) {
      List<Accepted> accepted =
          test.differences().stream().filter(a -> difference.contains(a.text())).toList();
      met.addAll(accepted);
      if (accepted.isEmpty()) {
        unlisted.add(difference);
      }
    }
    assertThat(unlisted).as(test.where()).isEmpty();
    // What depends on the daemon need not be met with every daemon.
    List<Accepted> expected =
        test.differences().stream().filter(a -> !a.row().startsWith("docker-")).toList();
    assertThat(met)
        .as("%s: accepted differences that are none any more", test.where())
        .containsAll(expected);
  }
}
