package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.SourceRange;
import org.jspecify.annotations.Nullable;

/** Failures of steps, with their place in the Dockerfile. */
final class StepProblems {
  private StepProblems() {}

  /** A failed step: the message has the line and carets. */
  static BuildException at(SourceRange range, String message, @Nullable String hint) {
    return new BuildException(FailureReason.StepFailed, text(range, message, hint));
  }

  /** What a step could not do, by the exception that says so. */
  static BuildException at(SourceRange range, Exception cause) {
    return new BuildException(
        FailureReason.StepFailed, text(range, Failures.message(cause), null), cause);
  }

  static String text(SourceRange range, String message, @Nullable String hint) {
    return new Problem(Problem.Code.BAD_ARGUMENT, range, message, hint).render();
  }

  /** An instruction in one line. */
  static String oneLine(String instruction) {
    return instruction.strip().replaceAll("\\s+", " ");
  }
}
