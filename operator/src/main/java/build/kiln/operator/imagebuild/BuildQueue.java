package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.RunQueue;
import java.util.Optional;
import java.util.Set;

/** The queue of builds. */
final class BuildQueue extends RunQueue<ImageBuild> {
  /** Reasons of Ready=Unknown with which a build would not start if it were its turn. */
  private static final Set<String> WAIT_NOT = Set.of("Suspended", Conditions.RECONCILE_FAILED);

  BuildQueue(Limits limits) {
    super(limits, BuildQueue::newest);
  }

  private static Optional<Newest> newest(ImageBuild build) {
    var status = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    return status
        .newestRun()
        .map(
            run ->
                new Newest(
                    run.number(),
                    requireNonNullElse(run.startTime(), ""),
                    run.phase().finished(),
                    run.platform().map(PlatformRun::job).isPresent(),
                    waits(status)));
  }

  private static boolean waits(ImageBuildStatus status) {
    return status
        .condition(Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()) || WAIT_NOT.contains(ready.getReason()))
        .isEmpty();
  }
}
