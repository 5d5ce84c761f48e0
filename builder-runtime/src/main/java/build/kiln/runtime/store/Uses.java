package build.kiln.runtime.store;

import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileTimes;
import build.kiln.runtime.posix.LockedFile;
import build.kiln.runtime.posix.PosixException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
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

  /**
   * Marks a file if it is there; to be called before one looks whether it is.
   *
   * @return whether it is there, and stays; not so if it is another user's, whom we cannot tell
   */
  boolean mark(Path file) throws IOException {
    if (marked.contains(file)) {
      return true;
    }
    try (LockedFile held = lock.shared()) {
      if (!FileTimes.touch(file)) {
        return false;
      }
    } catch (PosixException e) {
      if (e.errno() == Errno.EACCES || e.errno() == Errno.EPERM) {
        return false;
      }
      throw e;
    }
    marked.add(file);
    return true;
  }

  /**
   * Whether a file is there and was used since then; one that nobody may look at counts as used.
   */
  static boolean isUsed(Path file, FileTime since) throws IOException {
    // Opened first: over NFS that asks the server, while the time alone may be what it was a minute
    // ago.
    try (var opened = Files.newByteChannel(file)) {
      return opened.isOpen() && Files.getLastModifiedTime(file).compareTo(since) >= 0;
    } catch (NoSuchFileException gone) {
      return false;
    } catch (AccessDeniedException anotherUsers) {
      return true;
    }
  }
}
