package build.kiln.runtime.cri;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The container runtime cannot be asked, or refuses; says what was tried, and what to do. */
public final class CriException extends IOException {
  /** What is wrong, for programs; stable. */
  public enum Code {
    /** The socket is not there, may not be opened, or whoever listens has gone away. */
    UNREACHABLE,
    /** No answer in time. */
    TIMEOUT,
    /** The runtime answered that it does not know what was named. */
    NOT_FOUND,
    /** The runtime answered with another error. */
    REFUSED,
    /** What answers does not speak CRI, or said more than can be read. */
    INVALID
  }

  private final Code code;

  CriException(Code code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
