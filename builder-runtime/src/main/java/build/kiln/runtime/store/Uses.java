package build.kiln.runtime.store;

import build.kiln.runtime.posix.FileTimes;
import build.kiln.runtime.posix.LockedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What this process uses of a store. A file's modification time is when it was last used, by the
 * file system's clock. What was used since the start of a process that still has the store open is
 * not removed: so a file that is marked here, and is there afterwards, stays until the store is
 * closed.
 */
final class Uses {
  private final StoreLock lock;
  private final Set<Path> marked = ConcurrentHashMap.newKeySet();

  Uses(StoreLock lock) {
    this.lock = lock;
  }

  /** Marks a file if it is there; to be called before one looks whether it is. */
  void mark(Path file) throws IOException {
    if (marked.contains(file)) {
      return;
    }
    try (LockedFile held = lock.shared()) {
      if (FileTimes.touch(file)) {
        marked.add(file);
      }
    }
  }
}
