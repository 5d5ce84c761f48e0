package build.kiln.operator.scheduled;

import build.kiln.operator.job.SecretFiles;

/** Whether the newest run, which has no Job yet, may get one. */
sealed interface Readiness {
  /** A Secret is missing; looked at again until it is there. */
  record Missing(String message) implements Readiness {}

  /** A pod of an earlier run is still on its way out; two must not work at once. */
  record OldPodRuns(String pod) implements Readiness {}

  /** Others are before it. */
  record Queued(int position) implements Readiness {}

  /**
   * It may start.
   *
   * @param secrets what the pod mounts
   * @param secretsHash of their versions
   */
  record Go(SecretFiles secrets, String secretsHash) implements Readiness {}
}
