package build.kiln.runtime.sandbox;

/**
 * The sandbox itself could not do its work; the step is not to blame. The message says what is
 * missing and what to do.
 */
public final class SandboxException extends Exception {
  private final Code code;

  /** What went wrong; stable, for callers that decide by it. */
  public enum Code {
    /** No sandbox of the tier that was asked for works on this machine; a weaker one may. */
    UNAVAILABLE,
    /** A sandbox that worked when it was probed could not start this step. */
    START_FAILED,
    /** The tier runs nothing, or nothing of this kind. */
    UNSUPPORTED
  }

  public SandboxException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public SandboxException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
