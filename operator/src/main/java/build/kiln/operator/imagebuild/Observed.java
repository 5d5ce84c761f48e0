package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.work.Report;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster says of one ImageBuild.
 *
 * @param attempts its Jobs, newest first
 * @param reading of the newest run's newest Job, if it has one and is not finished in the status
 * @param progress of the builder that runs
 * @param report of the builder that ended
 * @param readiness whether the newest run may get a Job, if it needs one
 */
record Observed(
    List<Attempt> attempts,
    @Nullable Reading reading,
    @Nullable Progress progress,
    @Nullable Report report,
    @Nullable Readiness readiness) {}
