package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;

/**
 * Opens paths beneath a directory without following any symbolic link and without {@code ..}: by
 * openat2(2), or a component at a time where a kernel or a seccomp profile has no openat2.
 */
final class Beneath {
  private static final long RESOLVE_NO_MAGICLINKS = 0x02;
  private static final long RESOLVE_NO_SYMLINKS = 0x04;
  private static final long RESOLVE_BENEATH = 0x08;
  private static final int OPEN_HOW_SIZE = 24;
  private static final int ATTEMPTS = 64;

  private static volatile boolean openat2 = true;

  private Beneath() {}

  /** For tests: whether openat2 is tried at all. */
  static void useOpenat2(boolean use) {
    openat2 = use;
  }

  /**
   * @return a descriptor, or a negated error number: ELOOP for a symbolic link, EXDEV for a path
   *     that is absolute or has {@code ..}
   */
  static long open(int directory, String path, int flags) throws PosixException {
    int all = flags | OpenFlags.CLOSE_ON_EXEC | OpenFlags.NO_FOLLOW;
    if (leadsOutside(path)) {
      return -Errno.EXDEV.number();
    }
    if (openat2) {
      long result = openat2(directory, path, all);
      if (!Native.failedWith(result, Errno.ENOSYS) && !Native.failedWith(result, Errno.EPERM)) {
        return result;
      }
      // EPERM may be the file's own answer, which the other way finds out as well.
      if (Native.failedWith(result, Errno.ENOSYS)) {
        openat2 = false;
      }
    }
    return byComponents(directory, path, all);
  }

  private static boolean leadsOutside(String path) {
    return path.startsWith("/")
        || path.equals("..")
        || path.startsWith("../")
        || path.endsWith("/..")
        || path.contains("/../");
  }

  private static long openat2(int directory, String path, int flags) throws PosixException {
    Scratch scratch = Scratch.get();
    MemorySegment how =
        scratch.struct(flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    long address = scratch.first(path.isEmpty() ? "." : path);
    long result;
    int attempts = 0;
    do {
      // EAGAIN: something was renamed or mounted meanwhile, and the kernel could not be sure.
      result = Native.call(Syscall.OPENAT2, directory, address, how.address(), OPEN_HOW_SIZE);
    } while (again(result) && ++attempts < ATTEMPTS);
    return result;
  }

  private static boolean again(long result) {
    return Native.failedWith(result, Errno.EAGAIN) || Native.failedWith(result, Errno.EINTR);
  }

  private static long byComponents(int directory, String path, int flags) throws PosixException {
    String[] names = path.isEmpty() ? new String[] {"."} : path.split("/");
    int at = directory;
    for (int i = 0; i < names.length; i++) {
      boolean last = i == names.length - 1;
      int how =
          last
              ? flags
              : OpenFlags.PATH
                  | OpenFlags.DIRECTORY
                  | OpenFlags.NO_FOLLOW
                  | OpenFlags.CLOSE_ON_EXEC;
      String name = names[i].isEmpty() ? "." : names[i];
      long next = openat(at, name, how, 0);
      if (Native.failedWith(next, Errno.ENOTDIR) && isSymlink(at, name)) {
        next = -Errno.ELOOP.number();
      }
      if (at != directory) {
        Native.call(Syscall.CLOSE, at);
      }
      if (next < 0) {
        return next;
      }
      at = (int) next;
    }
    return at;
  }

  private static boolean isSymlink(int directory, String name) throws PosixException {
    return Handle.statx(directory, name) >= 0
        && FileStatus.read(Scratch.get().struct()).type() == FileType.SYMLINK;
  }

  static long openat(int directory, String name, int flags, int mode) throws PosixException {
    long path = Scratch.get().first(name);
    long result;
    do {
      result = Native.call(Syscall.OPENAT, directory, path, flags, mode);
    } while (Native.failedWith(result, Errno.EINTR));
    return result;
  }
}
