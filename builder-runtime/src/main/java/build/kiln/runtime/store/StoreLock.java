package build.kiln.runtime.store;

import build.kiln.runtime.posix.LockedFile;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps the removal of things from a store apart from their use, between threads and processes.
 * Held for short times only: shared to mark a file as used, exclusively to look once more at what
 * is to go, and to remove it.
 */
final class StoreLock {
  private static final long FIRST_PAUSE = TimeUnit.MICROSECONDS.toNanos(50);
  private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);

  private final Path file;

  StoreLock(Path file) {
    this.file = file;
  }

  LockedFile shared() throws IOException {
    return lock(false);
  }

  LockedFile exclusive() throws IOException {
    return lock(true);
  }

  private LockedFile lock(boolean exclusive) throws IOException {
    long pause = FIRST_PAUSE;
    while (true) {
      Optional<LockedFile> locked = LockedFile.tryLock(file, exclusive);
      if (locked.isPresent()) {
        return locked.get();
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted while waiting for the local store");
      }
      LockSupport.parkNanos(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
}
