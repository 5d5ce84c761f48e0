package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.work.Report;
import build.kiln.operator.job.Attempt;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the cluster says of one ImageBuild.
 *
 * @param attempts its Jobs, newest first
 * @param reading of the newest run's newest Job, if it has one and is not finished in the status
 * @param progress of the builder that runs
 * @param report of the builder that ended
 * @param readiness whether the newest run may get a Job, if it needs one
 * @param arguments the values of build arguments that are in ConfigMaps; none if that was not
 *     looked at, or one is missing
 */
record Observed(
    List<Attempt> attempts,
    @Nullable Reading reading,
    @Nullable Progress progress,
    @Nullable Report report,
    @Nullable Readiness readiness,
    Map<String, String> arguments) {
  Observed {
    attempts = List.copyOf(attempts);
    arguments = Map.copyOf(arguments);
  }

  /** Of a build whose arguments are all in its spec. */
  Observed(
      List<Attempt> attempts,
      @Nullable Reading reading,
      @Nullable Progress progress,
      @Nullable Report report,
      @Nullable Readiness readiness) {
    this(attempts, reading, progress, report, readiness, Map.of());
  }
}
