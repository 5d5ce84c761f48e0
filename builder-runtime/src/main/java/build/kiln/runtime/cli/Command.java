package build.kiln.runtime.cli;

import java.util.concurrent.Callable;

/** What {@code kiln} does for one of its first words; its result is the exit code. */
interface Command extends Callable<Integer> {
  /** Says what may stand on the command line, and takes it in. */
  void syntax(Syntax syntax);
}
