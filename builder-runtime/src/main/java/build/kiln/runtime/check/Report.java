package build.kiln.runtime.check;

import build.kiln.runtime.dockerfile.SourceRange;

/** Takes findings. */
@FunctionalInterface
interface Report {
  /**
   * Takes one, if its rule is applied.
   *
   * @param options those for the place
   */
  void add(CheckOptions options, Rule rule, SourceRange range, String detail);
}
