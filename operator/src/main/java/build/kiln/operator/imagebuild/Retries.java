package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.settings.Settings;
import java.time.Instant;
import java.util.Optional;

/**
 * When a failed run is followed by another with the same inputs. All of it is computed from the
 * status: a run started by a retry says in its cause which one in a row it is.
 */
final class Retries {
  static final String CAUSE = "Retry";

  private Retries() {}

  /** When the next run is due; empty if this one did not fail, or for a reason that stays. */
  static Optional<Instant> next(Run run, Settings settings) {
    if (run.phase() != Phase.Failed || run.failure() == null || run.completionTime() == null) {
      return Optional.empty();
    }
    var reason = run.failure().reason();
    if (reason == null) {
      return Optional.empty();
    }
    var ended = Instant.parse(run.completionTime());
    return Backoff.of(reason, settings.retry()).map(range -> ended.plus(range.after(row(run))));
  }

  /** The cause of the run that follows. */
  static Cause cause(Run failed) {
    var reason = failed.failure() == null ? null : String.valueOf(failed.failure().reason());
    return new Cause(CAUSE, reason, String.valueOf(row(failed) + 1));
  }

  /** How many runs in a row before and with this one were retries. */
  private static int row(Run run) {
    var cause = run.cause();
    return cause != null
            && CAUSE.equals(cause.type())
            && cause.to() != null
            && cause.to().matches("[0-9]{1,9}")
        ? Integer.parseInt(cause.to())
        : 0;
  }
}
