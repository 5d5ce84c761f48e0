package build.kiln.operator.scheduled;

import build.kiln.operator.job.Attempt;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster says of one resource.
 *
 * @param attempts its Jobs, newest first
 * @param reading of the newest run's Job, if it has one and is not finished in the status
 * @param report of the run that ended, if there is one
 * @param readiness whether the newest run may get a Job, if it needs one
 * @param secretsHash of the Secrets' versions, if the newest run failed and has some
 * @param <P> the kind's report
 */
record Observed<P>(
    List<Attempt> attempts,
    @Nullable Reading reading,
    @Nullable P report,
    @Nullable Readiness readiness,
    @Nullable String secretsHash) {
  Observed {
    attempts = List.copyOf(attempts);
  }
}
