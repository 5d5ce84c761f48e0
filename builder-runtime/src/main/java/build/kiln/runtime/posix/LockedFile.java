package build.kiln.runtime.posix;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A file that is locked by flock(2): against other processes, and against other locks of this one
 * alike. The kernel gives the lock back when the process ends.
 */
public final class LockedFile implements AutoCloseable {
  private static final int LOCK_SHARED = 1;
  private static final int LOCK_EXCLUSIVE = 2;
  private static final int LOCK_NON_BLOCKING = 4;

  private final int fd;
  private final AtomicBoolean closed = new AtomicBoolean();

  private LockedFile(int fd) {
    this.fd = fd;
  }

  /**
   * Locks a file, making it if there is none; never waits.
   *
   * @param exclusive whether nobody else may have it; else others may share it
   * @return empty if somebody has it
   */
  public static Optional<LockedFile> tryLock(Path path, boolean exclusive) throws PosixException {
    String name = path.toAbsolutePath().toString();
    // For both: over NFS a shared lock needs a file that may be read, an exclusive one that may be
    // written.
    int flags =
        OpenFlags.READ_WRITE | OpenFlags.CREATE | OpenFlags.NO_FOLLOW | OpenFlags.CLOSE_ON_EXEC;
    int fd =
        (int)
            Native.check(Beneath.openat(Native.AT_FDCWD, name, flags, 0600), Syscall.OPENAT, name);
    int how = (exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED) | LOCK_NON_BLOCKING;
    long result;
    do {
      result = Native.call(Syscall.FLOCK, fd, how);
    } while (Native.failedWith(result, Errno.EINTR));
    if (result < 0) {
      Native.call(Syscall.CLOSE, fd);
      if (Native.failedWith(result, Errno.EAGAIN)) {
        return Optional.empty();
      }
      Native.check(result, Syscall.FLOCK, name);
    }
    return Optional.of(new LockedFile(fd));
  }

  /** Gives the lock back. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      Native.call(Syscall.CLOSE, fd);
    }
  }
}
