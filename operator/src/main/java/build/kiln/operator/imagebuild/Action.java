package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.SecretFiles;
import java.time.Instant;
import java.util.Map;

/** What a pass over an ImageBuild does; one thing, the next pass sees to the next. */
sealed interface Action {
  /** The spec makes no sense; a run under way is given up. */
  record Reject(String message) implements Action {}

  /** A new run, by the status alone; a run under way gives way to it. */
  record Accept(Cause cause) implements Action {}

  /** A run is due, but the resource is suspended. */
  record Suspend() implements Action {}

  /** The accepted run cannot have its Job yet. */
  record Block(FailureReason reason, String message) implements Action {}

  /** The accepted run waits for its turn. */
  record Queue(int position) implements Action {}

  /** The accepted run waits for a pod of an earlier one to go. */
  record Settle(String pod) implements Action {}

  /**
   * The accepted run gets a Job.
   *
   * @param arguments the values of build arguments that are in ConfigMaps
   */
  record Start(
      int attempt, Isolation tier, String note, SecretFiles secrets, Map<String, String> arguments)
      implements Action {}

  /** The run is under way. */
  record Watch(Reading reading) implements Action {}

  /** The run is over: its result goes to the status. */
  record Finish(Result result) implements Action {}

  /** The last run failed for a reason that may pass; the next one is due then. */
  record AwaitRetry(Instant at) implements Action {}

  /** Nothing to do. */
  record Rest() implements Action {}
}
