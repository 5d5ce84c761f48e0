package build.kiln.runtime.cli;

import build.kiln.runtime.build.BuildException;

/** A failed build in words for people: the reason, the message, the last output of the step. */
final class BuildFailures {
  private BuildFailures() {}

  static String text(BuildException failure) {
    var text = new StringBuilder();
    var step = failure.step();
    if (step != null && !step.logTail().isBlank()) {
      text.append("the last output of ").append(step.instruction()).append(":\n");
      step.logTail().lines().forEach(line -> text.append("  > ").append(line).append('\n'));
    }
    return text.append(failure.reason()).append(": ").append(failure.getMessage()).toString();
  }
}
