package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.job.JobState;
import build.kiln.operator.settings.Settings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run came to.
 *
 * @param reason of Ready: Succeeded, or why it failed
 * @param message what happened, where, and what to do
 * @param retry how long until another run; null if that would not help, or is not needed
 * @param warnings what a person should know besides, an event each
 */
public record RunResult(
    boolean succeeded,
    String reason,
    String message,
    @Nullable Backoff retry,
    List<Warning> warnings) {
  /** What a person should know of a run, whether or not it succeeded. */
  public record Warning(String reason, String message) {}

  /** The reason of a run that succeeded. */
  public static final String SUCCEEDED = "Succeeded";

  public static RunResult success(String message) {
    return new RunResult(true, SUCCEEDED, message, null, List.of());
  }

  public static RunResult failure(String reason, String message, @Nullable Backoff retry) {
    return new RunResult(false, reason, message, retry, List.of());
  }

  /** With what else a person should know. */
  public RunResult warning(List<Warning> more) {
    return new RunResult(succeeded, reason, message, retry, List.copyOf(more));
  }

  /**
   * Of a pod that left no word of its own: the cluster's reasons, else what the exit code says.
   *
   * @param what the termination message would tell of
   */
  public static RunResult withoutWord(JobState.Exited end, String what, Settings.Retry retry) {
    var failure =
        end.code() == ExitCode.OK.code()
            ? new JobState.Failure(
                FailureReason.Infrastructure,
                "the pod ended well but its termination message tells of no %s; is the builder image of the operator's release?"
                    .formatted(what))
            : end.disrupted().orElseGet(end::withoutWord);
    return failure(
        failure.reason().name(),
        failure.message(),
        Backoff.of(failure.reason(), retry).orElse(null));
  }
}
