package build.kiln.runtime.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The processes that live in a root, found by {@code /proc/<pid>/root}. */
record Stragglers(Path root, Object key) {
  static Stragglers of(Path root) throws IOException {
    return new Stragglers(root, key(root));
  }

  private static Object key(Path directory) throws IOException {
    Object key =
        Files.readAttributes(directory, java.nio.file.attribute.BasicFileAttributes.class)
            .fileKey();
    if (key == null) {
      throw new IOException("no inode number of " + directory);
    }
    return key;
  }

  /** Kills them until none is left, those that they start meanwhile too. */
  void kill() {
    boolean found;
    do {
      found =
          ProcessHandle.allProcesses()
                  .filter(this::isIn)
                  .filter(ProcessHandle::destroyForcibly)
                  .count()
              > 0;
    } while (found);
  }

  private boolean isIn(ProcessHandle process) {
    try {
      return key(Path.of("/proc", Long.toString(process.pid()), "root")).equals(key);
    } catch (IOException endedOrNotOurs) {
      return false;
    }
  }
}
