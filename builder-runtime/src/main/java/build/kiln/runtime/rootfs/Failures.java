package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.rootfs.RootfsException.Code;
import java.io.IOException;

/** What failed system calls mean to whoever started the build. */
final class Failures {
  private Failures() {}

  /** Something that makes system calls. */
  @FunctionalInterface
  interface Action<T> {
    T run() throws IOException;
  }

  /**
   * Runs the action; a system call that fails becomes an error that people can act on.
   *
   * @param tried what the action does, on what, to stand after "cannot"
   */
  static <T> T explained(String tried, Action<T> action) throws IOException {
    try {
      return action.run();
    } catch (PosixException e) {
      throw explain(tried, e);
    }
  }

  private static IOException explain(String tried, PosixException e) {
    String start = "cannot " + tried + ": ";
    return switch (e.errno()) {
      case ENOSPC, EDQUOT ->
          new RootfsException(
              Code.DISK_FULL,
              start
                  + "the file system has no space or no inodes left ("
                  + e.getMessage()
                  + "); give the build a larger workspace, or remove what nobody needs there",
              e);
      case EPERM, EACCES ->
          new RootfsException(
              Code.NOT_PERMITTED,
              start
                  + e.getMessage()
                  + "; run as root, or in a user namespace with subordinate ids (newuidmap)",
              e);
      case ELOOP, EXDEV, ENOTDIR, ENOENT ->
          new RootfsException(
              Code.UNSAFE,
              start
                  + e.getMessage()
                  + "; something else changes this directory: give each build one of its own",
              e);
      case EROFS, EOPNOTSUPP ->
          new RootfsException(
              Code.UNSUPPORTED_FILE_SYSTEM,
              start
                  + e.getMessage()
                  + "; use a directory on ext4 or xfs, such as an emptyDir volume",
              e);
      default -> e;
    };
  }
}
