package build.kiln.runtime.posix;

import java.util.HashMap;
import java.util.Map;

/** Error numbers of Linux, the same on x86_64 and aarch64 (asm-generic/errno.h). */
public enum Errno {
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such file or directory"),
  ESRCH(3, "no such process"),
  EINTR(4, "interrupted system call"),
  EIO(5, "input/output error"),
  ENXIO(6, "no such device or address"),
  E2BIG(7, "argument list too long"),
  EBADF(9, "bad file descriptor"),
  ECHILD(10, "no child processes"),
  EAGAIN(11, "resource temporarily unavailable"),
  ENOMEM(12, "cannot allocate memory"),
  EACCES(13, "permission denied"),
  EFAULT(14, "bad address"),
  EBUSY(16, "device or resource busy"),
  EEXIST(17, "file exists"),
  EXDEV(18, "invalid cross-device link, or a path that leads outside"),
  ENODEV(19, "no such device"),
  ENOTDIR(20, "not a directory"),
  EISDIR(21, "is a directory"),
  EINVAL(22, "invalid argument"),
  ENFILE(23, "too many open files in the system"),
  EMFILE(24, "too many open files"),
  ENOTTY(25, "inappropriate ioctl for device"),
  EFBIG(27, "file too large"),
  ENOSPC(28, "no space left on device"),
  ESPIPE(29, "illegal seek"),
  EROFS(30, "read-only file system"),
  EMLINK(31, "too many links"),
  EPIPE(32, "broken pipe"),
  ERANGE(34, "result too large for its buffer"),
  ENAMETOOLONG(36, "file name too long"),
  ENOSYS(38, "system call not implemented"),
  ENOTEMPTY(39, "directory not empty"),
  ELOOP(40, "a symbolic link where none may be, or too many of them"),
  ENODATA(61, "no data available"),
  EOVERFLOW(75, "value too large"),
  EUSERS(87, "too many users, or user namespaces nested too deep"),
  EOPNOTSUPP(95, "operation not supported"),
  ETIMEDOUT(110, "timed out"),
  ESTALE(116, "stale file handle"),
  EDQUOT(122, "disk quota exceeded"),
  /** Any number that is not listed here. */
  OTHER(-1, "unlisted error");

  private static final Map<Integer, Errno> BY_NUMBER = new HashMap<>();

  static {
    for (Errno errno : values()) {
      BY_NUMBER.put(errno.number, errno);
    }
  }

  private final int number;
  private final String meaning;

  Errno(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  /** The error of this number; {@link #OTHER} if it is none of those listed. */
  public static Errno of(int number) {
    return BY_NUMBER.getOrDefault(number, OTHER);
  }

  public int number() {
    return number;
  }

  /** What it means, in words. */
  public String meaning() {
    return meaning;
  }
}
