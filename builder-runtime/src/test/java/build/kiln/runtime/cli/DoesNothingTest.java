package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoesNothingTest {
  @Test
  void endsWithZero(@TempDir Path folder) throws IOException, InterruptedException {
    Path program = Files.write(folder.resolve("true"), DoesNothing.program());
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));

    Process process = new ProcessBuilder(program.toString(), "-c", "false").start();

    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }
}
