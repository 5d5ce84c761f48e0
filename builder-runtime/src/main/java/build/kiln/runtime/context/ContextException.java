package build.kiln.runtime.context;

import java.io.IOException;

/**
 * Build files could not be had. The message says what was tried, on what, why it failed and what to
 * do; it never holds a credential.
 */
public final class ContextException extends IOException {
  private final Code code;

  /** What went wrong; stable, for callers that decide by it. */
  public enum Code {
    /** The folder, repository, revision, ConfigMap, key or path is not there. */
    NOT_FOUND(false),
    /** Credentials are wrong, or there are none and the server wants some. */
    UNAUTHORIZED(false),
    /** A Secret lacks what the source's address needs, such as known_hosts for ssh. */
    SECRET_INCOMPLETE(false),
    /** Not reachable or failing now; the only code that a later try may cure. */
    UNAVAILABLE(true),
    /** What was asked for, or what is there, cannot be a build context. */
    INVALID(false),
    /** Larger than it may be. */
    TOO_LARGE(false),
    /** A file changed or vanished while it was read. */
    CHANGED(false),
    /** A file may not be read by this process. */
    UNREADABLE(false);

    private final boolean retryable;

    Code(boolean retryable) {
      this.retryable = retryable;
    }
  }

  ContextException(Code code, String message) {
    super(message);
    this.code = code;
  }

  ContextException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }

  /** Whether the same call may succeed later with nothing changed here. */
  public boolean retryable() {
    return code.retryable;
  }
}
