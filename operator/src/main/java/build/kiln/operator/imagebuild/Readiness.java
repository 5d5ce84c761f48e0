package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.SecretFiles;

/** Whether the newest run, which has no Job yet, may get one. */
sealed interface Readiness {
  /** Something that it needs is missing or refused; looked at again until it is there. */
  record Missing(FailureReason reason, String message) implements Readiness {}

  /** A pod of an earlier run is still on its way out; two must not push to one tag. */
  record OldPodRuns(String pod) implements Readiness {}

  /** Others are before it. */
  record Queued(int position) implements Readiness {}

  /** No weaker tier is left that could run steps. */
  record NoTierLeft(String message) implements Readiness {}

  /**
   * It may start.
   *
   * @param note why the tier is not a stronger one; empty if it is the strongest
   * @param secrets what the pod mounts
   */
  record Go(Isolation tier, String note, SecretFiles secrets) implements Readiness {}
}
