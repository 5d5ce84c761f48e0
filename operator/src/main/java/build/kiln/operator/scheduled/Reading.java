package build.kiln.operator.scheduled;

import build.kiln.operator.job.Blocker;
import java.time.Duration;
import java.util.Optional;

/** What the Job of a run says. */
sealed interface Reading {
  /**
   * No pod runs yet, or again.
   *
   * @param blocker what keeps it from running, if it has lasted
   */
  record Waiting(Optional<Blocker> blocker) implements Reading {}

  /** A pod runs. */
  record Running() implements Reading {}

  /**
   * The pod is over, and what follows it is under way.
   *
   * @param step to be done now
   * @param again when to look again
   */
  record Following(Runnable step, Duration again) implements Reading {}

  /** It is over. */
  record Ended(RunResult result) implements Reading {}
}
