package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Programs that tests compare with. */
final class Tools {
  static boolean has(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(dir -> Files.isExecutable(Path.of(dir, program)));
  }

  /** Runs a program to its end; what it printed. */
  static byte[] run(Path directory, String... command) throws IOException, InterruptedException {
    Path errors = Files.createTempFile("kiln-test", ".err");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectError(errors.toFile())
              .start();
      process.getOutputStream().close();
      byte[] out = process.getInputStream().readAllBytes();
      assertThat(process.waitFor())
          .as(
              "%s: %s%s",
              String.join(" ", command),
              Files.readString(errors),
              new String(out, 0, Math.min(out.length, 2000), StandardCharsets.ISO_8859_1))
          .isZero();
      return out;
    } finally {
      Files.delete(errors);
    }
  }

  private Tools() {}
}
