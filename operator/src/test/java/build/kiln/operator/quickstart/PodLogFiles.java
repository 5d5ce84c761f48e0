package build.kiln.operator.quickstart;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The logs of pods, a file each.
 *
 * @param root the folder that holds them
 */
record PodLogFiles(Path root) {

  /** Where a pod's log is written; its folder is there. */
  Path file(String namespace, String pod) throws IOException {
    return Files.createDirectories(root.resolve(namespace)).resolve(pod + ".log");
  }

  /**
   * The last lines of a pod's log; empty if it has none.
   *
   * @param lines how many at most; 0 or less for all
   */
  Optional<String> tail(String namespace, String pod, int lines) throws IOException {
    var file = root.resolve(namespace).resolve(pod + ".log").normalize();
    if (!file.startsWith(root) || !Files.isRegularFile(file)) {
      return Optional.empty();
    }
    // A step may print what is not text: it must not make the whole log unreadable.
    var text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    if (lines <= 0) {
      return Optional.of(text);
    }
    int from = text.length() - 1;
    for (int found = 0; from > 0; from--) {
      if (text.charAt(from - 1) == '\n' && ++found == lines) {
        break;
      }
    }
    return Optional.of(text.substring(Math.max(0, from)));
  }
}
