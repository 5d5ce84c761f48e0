package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.RunQueue;
import java.util.Optional;

/** The queue of builds. */
final class BuildQueue extends RunQueue<ImageBuild> {
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
                    waits(status.conditions())));
  }
}
