package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole files: {@code valid/NAME/Dockerfile} and what it means, {@code invalid/NAME/Dockerfile} and
 * what people are told. {@code -Dgolden.update=true} writes the expectations anew, to be read
 * before they are committed.
 */
class GoldenTest {
  private static final Path ROOT = Path.of("src/test/resources/dockerfile");
  private static final boolean UPDATE = Boolean.getBoolean("golden.update");

  static Stream<Path> valid() throws IOException {
    return cases("valid");
  }

  static Stream<Path> invalid() throws IOException {
    return cases("invalid");
  }

  private static Stream<Path> cases(String kind) throws IOException {
    try (Stream<Path> found = Files.list(ROOT.resolve(kind))) {
      return found.sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("valid")
  void reads(Path folder) throws IOException {
    compare(folder.resolve("expected.txt"), Dump.of(Dockerfile.parse(source(folder))));
  }

  /** Also what only the stage graph or the table of missing features can see. */
  @ParameterizedTest
  @MethodSource("invalid")
  void refuses(Path folder) throws IOException {
    DockerfileException refused =
        catchThrowableOfType(DockerfileException.class, () -> plan(source(folder)));
    assertThat(refused).as("%s is refused", folder).isNotNull();
    String codes = String.join(" ", refused.problems().stream().map(p -> p.code().name()).toList());
    compare(folder.resolve("expected.txt"), codes + "\n" + refused.render() + "\n");
  }

  private static void plan(SourceFile source) {
    Dockerfile dockerfile = Dockerfile.parse(source);
    StageGraph graph =
        StageGraph.of(dockerfile, GlobalArguments.resolve(dockerfile, Map.of(), Map.of()));
    dockerfile.stages().forEach(graph::reachable);
    Unsupported.check(dockerfile.stages());
    Expansion expansion = Expansion.of(dockerfile.directives().escape());
    for (Stage stage : dockerfile.stages()) {
      stage.instructions().forEach(i -> expansion.expand(i, ShellWord.NOTHING));
    }
  }

  private static SourceFile source(Path folder) throws IOException {
    return SourceFile.of("Dockerfile", Files.readAllBytes(folder.resolve("Dockerfile")));
  }

  private static void compare(Path file, String actual) throws IOException {
    if (UPDATE) {
      Files.writeString(file, actual);
    }
    assertThat(actual).isEqualTo(Files.readString(file, StandardCharsets.UTF_8));
  }
}
