package build.kiln.operator.quickstart;

import java.time.Instant;
import java.util.List;

/** What is to be done next about a Job. */
sealed interface JobStep {
  /** A pod is to be made, not before this. */
  record MakePod(Instant from) implements JobStep {}

  /** A pod is at work; look again then, if not before. */
  record Wait(Instant until) implements JobStep {}

  /** The Job fails as soon as these pods are gone. */
  record StopPods(List<String> pods) implements JobStep {}

  /**
   * The Job is over.
   *
   * @param type of the condition: Complete or Failed
   */
  record End(String type, String reason, String message) implements JobStep {}

  /** The Job was over long enough. */
  record Expire(Instant at) implements JobStep {}

  /** Nothing will change by itself. */
  record Rest() implements JobStep {}
}
