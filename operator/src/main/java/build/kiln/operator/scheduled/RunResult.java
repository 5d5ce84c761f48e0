package build.kiln.operator.scheduled;

import build.kiln.operator.job.Backoff;
import org.jspecify.annotations.Nullable;

/**
 * What a run came to.
 *
 * @param reason of Ready: Succeeded, or why it failed
 * @param message what happened, where, and what to do
 * @param retry how long until another run; null if that would not help, or is not needed
 */
public record RunResult(boolean succeeded, String reason, String message, @Nullable Backoff retry) {
  /** The reason of a run that succeeded. */
  public static final String SUCCEEDED = "Succeeded";

  public static RunResult success(String message) {
    return new RunResult(true, SUCCEEDED, message, null);
  }

  public static RunResult failure(String reason, String message, @Nullable Backoff retry) {
    return new RunResult(false, reason, message, retry);
  }
}
