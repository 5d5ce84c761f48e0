package build.kiln.api.work;

import build.kiln.api.v1alpha1.PruneFailureReason;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import org.jspecify.annotations.Nullable;

/**
 * The termination message of a prune policy's pod: what the run came to, in under 4 KiB of JSON.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PruneOutcome(
    boolean succeeded,
    /** Set when it failed. */
    @Nullable PruneFailureReason reason,
    @Nullable String message,
    /** Whether the next run may do it with nothing changed. */
    boolean retryable,
    boolean dryRun,
    /** The hash of the plan; null if there is none. */
    @Nullable String planHash,
    int examined,
    /** What was deleted; of a dry run, or one that a limit stopped, what would be. */
    int deleted,
    /** Deletions that were not tried, since something had changed. */
    int left,
    int failed,
    long reclaimedBytes) {

  /** Of a run that came to nothing. */
  public static PruneOutcome failed(
      PruneFailureReason reason, @Nullable String message, boolean dryRun) {
    return new PruneOutcome(
        false, reason, message, reason.retryable(), dryRun, null, 0, 0, 0, 0, 0);
  }
}
