package build.kiln.runtime.sandbox;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Tells, by what crun 1.8 to 1.28 says, a command that cannot be run from a sandbox that cannot.
 * The exit code is 127 or 126 then, as shells have it; crun has told the step why.
 */
final class CrunFailure {
  /** What crun ends with when it fails. */
  static final int CODE = 1;

  private static final int NOT_FOUND = 127;
  private static final int NOT_EXECUTABLE = 126;

  private static final Pattern START =
      Pattern.compile(
          "executable file .* not found|open executable|exec container process"
              + "|the path .* (exists but it is not executable|is not a regular file)|chdir|cwd");

  private static final String EXEC = "exec container process";
  private static final String NO_SUCH_FILE = "No such file or directory";

  private CrunFailure() {}

  /** The exit code if the log of a container that never started blames its command. */
  static Optional<Integer> ofStart(String log) {
    Optional<String> blamed = log.lines().filter(line -> START.matcher(line).find()).findFirst();
    return blamed.map(CrunFailure::code);
  }

  /**
   * The exit code if all that was said is that execve(2) failed, which happens after the log was
   * closed. A command may say the same itself, which changes nothing but its own exit code.
   */
  static Optional<Integer> ofExec(String output) {
    return output.startsWith(EXEC) && output.lines().count() == 1
        ? Optional.of(code(output))
        : Optional.empty();
  }

  private static int code(String line) {
    return line.contains(NO_SUCH_FILE) ? NOT_FOUND : NOT_EXECUTABLE;
  }
}
