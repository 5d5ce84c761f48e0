package build.kiln.operator.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Removes folders of builds, whoever owns what is in them. */
final class FolderRemoval {
  private FolderRemoval() {}

  /**
   * Removes a folder with all that is in it; that it is not there is no error. An ordinary user's
   * builds make files of other owners, which the same user namespace can remove.
   */
  static void remove(Path folder) throws IOException, InterruptedException {
    if (!Files.exists(folder) || run(List.of("rm", "-rf", "--", folder.toString())).isEmpty()) {
      return;
    }
    var message =
        run(
            List.of(
                "unshare",
                "--user",
                "--map-root-user",
                "--map-auto",
                "rm",
                "-rf",
                "--",
                folder.toString()));
    if (!message.isEmpty()) {
      throw new IOException("cannot remove %s: %s".formatted(folder, message));
    }
  }

  /** What it says if it fails. */
  private static String run(List<String> command) throws IOException, InterruptedException {
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0
        ? ""
        : "exit code %d: %s".formatted(process.exitValue(), output.strip());
  }
}
