package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;

/** Which exit code a failure has. */
final class ExitCodes {
  private ExitCodes() {}

  /**
   * @param isolation the tier that was asked for: no other tier helps a build that may not run
   *     anything
   */
  static ExitCode of(FailureReason reason, Isolation isolation) {
    if (reason == FailureReason.IsolationUnavailable && isolation != Isolation.NoRun) {
      return ExitCode.SANDBOX;
    }
    if (reason == FailureReason.SpecInvalid) {
      return ExitCode.USAGE;
    }
    if (reason == FailureReason.OutOfMemory) {
      return ExitCode.OUT_OF_MEMORY;
    }
    return reason.retryable() ? ExitCode.INFRASTRUCTURE : ExitCode.USER;
  }
}
