package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import org.jspecify.annotations.Nullable;

/**
 * A build failed. The reason is stable and says whether a new attempt can help; the message says
 * what happened, where, and what to do.
 */
public final class BuildException extends Exception {
  private final FailureReason reason;
  private final transient @Nullable FailedStep step;

  /**
   * The step that failed.
   *
   * @param instruction as written, in one line
   * @param exitCode of a RUN that ran
   * @param logTail the last lines of its output; may be empty
   */
  public record FailedStep(String instruction, @Nullable Integer exitCode, String logTail) {}

  public BuildException(FailureReason reason, String message) {
    this(reason, message, null, null);
  }

  public BuildException(FailureReason reason, String message, @Nullable Throwable cause) {
    this(reason, message, cause, null);
  }

  public BuildException(
      FailureReason reason, String message, @Nullable Throwable cause, @Nullable FailedStep step) {
    super(message, cause);
    this.reason = reason;
    this.step = step;
  }

  /**
   * What an exception of the context, the disk or a registry means for a build.
   *
   * @param tried what was being done, as in "tried to ..."
   */
  public static BuildException of(String tried, Exception cause) {
    return Failures.other(tried, cause);
  }

  public FailureReason reason() {
    return reason;
  }

  /** The step that failed, if it was one. */
  public @Nullable FailedStep step() {
    return step;
  }
}
