package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

  /** Skips a test where ISA-L cannot be; where it can and is not, that is a failure. */
  static void assumeGlibcOnX86() {
    assumeTrue(System.getProperty("os.arch").equals("amd64"), "ISA-L is for x86-64");
    assumeTrue(Files.exists(Path.of("/lib64/ld-linux-x86-64.so.2")), "ISA-L needs glibc");
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
