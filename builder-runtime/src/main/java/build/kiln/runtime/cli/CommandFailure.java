package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;

/** A command ends with this message and code. */
final class CommandFailure extends Exception {
  private final ExitCode exitCode;

  CommandFailure(ExitCode exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  CommandFailure(ExitCode exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  static CommandFailure usage(String message) {
    return new CommandFailure(ExitCode.USAGE, message);
  }

  ExitCode exitCode() {
    return exitCode;
  }
}
