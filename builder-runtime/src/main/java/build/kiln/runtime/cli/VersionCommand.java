package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;

/** {@code kiln version}. */
final class VersionCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax.about("Prints the version.");
  }

  @Override
  public Integer call() {
    System.out.println(Version.text());
    return ExitCode.OK.code();
  }
}
