package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that the command line names. */
final class NamedFile {
  private NamedFile() {}

  /**
   * All of it.
   *
   * @throws CommandFailure of USAGE if it cannot be read
   */
  static byte[] bytes(Path file) throws CommandFailure {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.USAGE,
          "cannot read %s: %s"
              .formatted(file, Files.exists(file) ? e.getMessage() : "there is no such file"),
          e);
    }
  }
}
