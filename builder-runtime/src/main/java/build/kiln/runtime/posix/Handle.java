package build.kiln.runtime.posix;

import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An open file or directory: calls on it cannot be led elsewhere by renames or symbolic links. Not
 * to be closed while another thread uses it.
 */
public abstract sealed class Handle implements AutoCloseable permits DirectoryHandle, FileHandle {
  static final int AT_EMPTY_PATH = 0x1000;

  private final int fd;
  private final String label;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * @param label what the handle is called in messages
   */
  Handle(int fd, String label) {
    this.fd = fd;
    this.label = label;
  }

  /** The file descriptor, valid until {@link #close}. */
  public final int fd() {
    return fd;
  }

  /** Where it was opened, for messages. */
  public final String label() {
    return label;
  }

  public final FileStatus status() throws PosixException {
    return status(fd, "", label);
  }

  static FileStatus status(int fd, String name, String subject) throws PosixException {
    Native.check(statx(fd, name), Syscall.STATX, subject);
    return FileStatus.read(Scratch.get().struct());
  }

  /** Leaves the result in {@link Scratch#struct()}. */
  static long statx(int fd, String name) throws PosixException {
    return statx(fd, Names.encode(name));
  }

  static long statx(int fd, byte[] name) throws PosixException {
    Scratch scratch = Scratch.get();
    int flags = DirectoryHandle.AT_SYMLINK_NOFOLLOW | (name.length == 0 ? AT_EMPTY_PATH : 0);
    return Native.call(
        Syscall.STATX,
        fd,
        scratch.first(name),
        flags,
        FileStatus.MASK,
        scratch.struct().address(),
        0);
  }

  /**
   * @param mode permission bits with setuid, setgid and sticky
   */
  public final void chmod(int mode) throws PosixException {
    Native.check(Native.call(Syscall.FCHMOD, fd, mode), Syscall.FCHMOD, label);
  }

  /** Clears setuid and setgid of files, so {@link #chmod} comes after it. */
  public final void chown(int uid, int gid) throws PosixException {
    Native.check(
        Native.call(Syscall.FCHOWN, fd, uid, gid),
        Syscall.FCHOWN,
        label + " to " + Integer.toUnsignedString(uid) + ":" + Integer.toUnsignedString(gid));
  }

  /** Sets modification and access time. */
  public final void setTimes(long seconds, int nanos) throws PosixException {
    DirectoryHandle.utimens(fd, 0, 0, seconds, nanos, label);
  }

  /** All extended attributes that may be read, by full name. */
  public final SortedMap<String, byte[]> xattrs() throws PosixException {
    return Xattrs.of(this).all();
  }

  public final void setXattr(String name, byte[] value) throws PosixException {
    Xattrs.of(this).set(name, value);
  }

  public final void removeXattr(String name) throws PosixException {
    Xattrs.of(this).remove(name);
  }

  @Override
  public final void close() {
    if (closed.compareAndSet(false, true)) {
      // An error of close(2) on Linux leaves the descriptor closed all the same, and what was
      // written is checked where it is written.
      Native.call(Syscall.CLOSE, fd);
    }
  }

  @Override
  public final String toString() {
    return label;
  }
}
