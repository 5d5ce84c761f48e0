package build.kiln.runtime.sandbox;

/**
 * The sandbox itself could not do its work; the step is not to blame. The message says what is
 * missing and what to do.
 */
public final class SandboxException extends Exception {
  public SandboxException(String message) {
    super(message);
  }

  public SandboxException(String message, Throwable cause) {
    super(message, cause);
  }
}
