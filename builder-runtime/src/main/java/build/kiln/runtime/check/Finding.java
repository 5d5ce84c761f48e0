package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.SourceRange;

/**
 * One place that a rule is about.
 *
 * @param detail what is there, in one line
 */
public record Finding(Rule rule, SourceRange range, String detail) {
  /** The same as a problem, which can show the line with carets. */
  public Problem problem() {
    return new Problem(Problem.Code.CHECK, range, rule.name() + ": " + detail, rule.fix());
  }
}
