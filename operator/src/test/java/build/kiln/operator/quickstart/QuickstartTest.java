package build.kiln.operator.quickstart;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.FailureReason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What {@code ./quickstart} does, for real; and what its script says before it does anything. */
class QuickstartTest {
  private static final Path REPOSITORY =
      Objects.requireNonNull(Path.of("").toAbsolutePath().getParent());

  @Test
  void buildsTheExampleAndPullsItBack() throws Exception {
    assumeTrue(
        Files.isExecutable(REPOSITORY.resolve("builder-runtime/target/kiln/bin/kiln")),
        "the kiln command is made by ./mvnw package");
    var printed = new ByteArrayOutputStream();
    var screen = new Screen(new PrintStream(printed, true, UTF_8), System::nanoTime);
    Path folder;
    try (var closing = new Closing()) {
      var quickstart = Quickstart.start(REPOSITORY, screen, closing);
      folder = quickstart.folder();
      var problems = quickstart.run();
      assumeFalse(
          problems.toString().contains(FailureReason.IsolationUnavailable.name()),
          () -> "no RUN step can run here: " + problems);

      assertThat(problems).as(printed.toString(UTF_8)).isEmpty();
      quickstart.invite();
    }
    assertThat(printed.toString(UTF_8))
        .contains("Hello, Kiln!", "digest   sha256:", "RUN isolated by", "Ready        True")
        .contains("[\"cat\", \"/hello.txt\"]".replace("\"", ""))
        .doesNotContain("kiln-record");
    assertThat(folder).doesNotExist();
  }

  @Test
  void explainsItself() throws Exception {
    var help = script("--help");
    assertThat(help.exitCode()).isZero();
    assertThat(help.output()).contains("--keep", "--k3s", "JDK 25");
  }

  @Test
  void refusesAnOptionThatItDoesNotHave() throws Exception {
    var refused = script("--kepe");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output()).contains("--kepe", "--help");
  }

  private record Result(int exitCode, String output) {}

  /** From another folder, since people start it from anywhere. */
  private static Result script(String... options) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of(REPOSITORY.resolve("quickstart").toString()));
    command.addAll(List.of(options));
    var process =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .start();
    var output = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Result(process.waitFor(), output);
  }
}
