package build.kiln.runtime.posix;

import java.io.IOException;

/**
 * A system call failed. The message has the call, what it was asked to do, and the error's name.
 */
public final class PosixException extends IOException {
  private final Errno errno;
  private final int number;
  private final String call;

  /**
   * @param call the system call's name, with what it was tried on, such as {@code mkdirat usr/bin}
   * @param number the error number
   */
  public PosixException(String call, int number) {
    super(message(call, number));
    this.errno = Errno.of(number);
    this.number = number;
    this.call = call;
  }

  private static String message(String call, int number) {
    Errno errno = Errno.of(number);
    return errno == Errno.OTHER
        ? call + ": error " + number
        : call + ": " + errno + " (" + errno.meaning() + ")";
  }

  public Errno errno() {
    return errno;
  }

  /** The error's number, for those that {@link Errno} does not list. */
  public int number() {
    return number;
  }

  /** What was tried, on what. */
  public String call() {
    return call;
  }
}
