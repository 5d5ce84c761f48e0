package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.operator.job.Attempt;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which runs stay on the status and which Jobs go. A Job goes or may expire only when the status,
 * as it was read, has its result.
 *
 * @param delete names of Jobs
 * @param seal names of Jobs
 */
record History(List<String> delete, List<String> seal) {

  /**
   * Looks at the Jobs.
   *
   * @param givesUp whether the newest run, which is under way, ends now without a result
   */
  static History of(
      @Nullable ImageBuildSpec spec,
      ImageBuildStatus status,
      List<Attempt> attempts,
      boolean givesUp) {
    List<String> delete = new ArrayList<>();
    List<String> seal = new ArrayList<>();
    Set<Long> kept =
        runs(spec, status.allRuns(), false).stream().map(Run::number).collect(Collectors.toSet());
    long newest = status.newestRun().map(Run::number).orElse(0L);
    boolean under = status.newestRun().filter(run -> !run.phase().finished()).isPresent();
    for (var attempt : attempts) {
      // A Job of a run that this status does not know yet is none of its business.
      if (attempt.leaving() || attempt.run() > newest) {
        continue;
      }
      if (attempt.run() == newest && under) {
        if (givesUp || weaker(attempt, attempts)) {
          delete.add(attempt.name());
        }
      } else if (!kept.contains(attempt.run()) || stillActive(attempt)) {
        delete.add(attempt.name());
      } else if (!attempt.sealed()) {
        seal.add(attempt.name());
      }
    }
    return new History(delete, seal);
  }

  private static boolean stillActive(Attempt attempt) {
    return attempt.end().isEmpty() && !attempt.succeeded();
  }

  /** A Job of the current run whose sandbox did not start, and which another one follows. */
  private static boolean weaker(Attempt attempt, List<Attempt> attempts) {
    return attempt.end().isEmpty()
        && attempts.stream()
            .anyMatch(other -> other.run() == attempt.run() && other.number() > attempt.number());
  }

  /**
   * The runs that stay: the newest of either kind, as many as {@code history} says.
   *
   * @param always whether the newest run stays whatever history says: on the status it does, its
   *     Job does not
   */
  static List<Run> runs(@Nullable ImageBuildSpec spec, List<Run> runs, boolean always) {
    int succeeded = spec == null ? 3 : spec.history().successful();
    int failed = spec == null ? 3 : spec.history().failed();
    List<Run> kept = new ArrayList<>();
    for (var run : runs) {
      boolean room =
          switch (run.phase()) {
            case Succeeded -> succeeded-- > 0;
            case Failed -> failed-- > 0;
            case Pending, Running -> true;
          };
      if (room || always && kept.isEmpty() && run == runs.getFirst()) {
        kept.add(run);
      }
    }
    return kept;
  }
}
