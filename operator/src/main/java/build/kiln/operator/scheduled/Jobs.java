package build.kiln.operator.scheduled;

import build.kiln.operator.job.Attempt;
import java.util.ArrayList;
import java.util.List;

/**
 * Which Jobs go. A Job goes or may expire only when the status, as it was read, has its result.
 *
 * @param delete names of Jobs
 * @param seal names of Jobs
 */
record Jobs(List<String> delete, List<String> seal) {

  /**
   * Looks at the Jobs.
   *
   * @param givesUp whether the newest run, which is under way, ends now without a result
   */
  static Jobs of(Subject subject, List<Attempt> attempts, boolean givesUp) {
    List<String> delete = new ArrayList<>();
    List<String> seal = new ArrayList<>();
    long newest = subject.before().newest().map(run -> run.number()).orElse(0L);
    int succeeded = subject.history().successful();
    int failed = subject.history().failed();
    for (var attempt : attempts) {
      // A Job of a run that this status does not know yet is none of its business.
      if (attempt.leaving() || attempt.run() > newest) {
        continue;
      }
      if (attempt.run() == newest && subject.before().underWay()) {
        if (givesUp) {
          delete.add(attempt.name());
        }
        continue;
      }
      boolean room = attempt.endedWell() ? succeeded-- > 0 : failed-- > 0;
      if (attempt.active() || !room) {
        delete.add(attempt.name());
      } else if (!attempt.sealed()) {
        seal.add(attempt.name());
      }
    }
    return new Jobs(delete, seal);
  }
}
