package build.kiln.runtime.posix;

import java.nio.file.Path;

/** Times of files by the file system's own clock, which all that use it have in common. */
public final class FileTimes {
  /** {@code UTIME_NOW}. */
  private static final int NOW = (1 << 30) - 1;

  private FileTimes() {}

  /**
   * Dates a file now; symbolic links are followed.
   *
   * @return false if there is none
   */
  public static boolean touch(Path file) throws PosixException {
    String name = file.toAbsolutePath().toString();
    try {
      DirectoryHandle.utimens(Native.AT_FDCWD, Scratch.get().first(name), 0, 0, NOW, name);
      return true;
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENOTDIR) {
        return false;
      }
      throw e;
    }
  }
}
