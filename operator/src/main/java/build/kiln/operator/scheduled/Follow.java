package build.kiln.operator.scheduled;

import java.time.Duration;

/**
 * What belongs to a run and comes after its pod.
 *
 * @param <P> the kind's report
 */
public sealed interface Follow<P> {
  /** Nothing more: this is what all of it came to. */
  record Done<P>(Conclusion<P> conclusion) implements Follow<P> {}

  /**
   * It is under way.
   *
   * @param step does what is to be done now; it may be done twice
   * @param again when to look again
   */
  record More<P>(Runnable step, Duration again) implements Follow<P> {}
}
