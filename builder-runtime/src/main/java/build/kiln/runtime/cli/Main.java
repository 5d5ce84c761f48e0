package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.cli.manifest.ManifestException;
import picocli.CommandLine;

/** The {@code kiln} command. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    var interruption = Interruption.install(Thread.currentThread());
    int code = ExitCode.INFRASTRUCTURE.code();
    try {
      code = run(arguments);
    } catch (OutOfMemoryError e) {
      System.err.println("kiln: out of memory: " + e.getMessage());
      code = ExitCode.OUT_OF_MEMORY.code();
    } finally {
      interruption.finished(code);
    }
    end(code);
  }

  /**
   * Ends the process. {@link System#exit} asks for a logger before it does so, and looks for one in
   * every jar of the class path: a third of the time of a short command. Who has given the JVM
   * flags of their own, such as for a flight recording, gets the end with all that it brings.
   */
  private static void end(int code) {
    String flags = System.getenv("KILN_JAVA_OPTS");
    if (flags != null && !flags.isBlank()) {
      System.exit(code);
    }
    System.out.flush();
    System.err.flush();
    Runtime.getRuntime().halt(code);
  }

  static int run(String... arguments) {
    // The commonest question of scripts is answered without a command line's model.
    if (arguments.length == 1
        && (arguments[0].equals("--version") || arguments[0].equals("version"))) {
      System.out.println(Version.text());
      return ExitCode.OK.code();
    }
    HeadStart.begin(arguments);
    return KilnCommand.line(arguments)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOverwrittenOptionsAllowed(true)
        .setExecutionExceptionHandler(Main::failed)
        .execute(arguments);
  }

  /** What a command could not do, in one place for all of them. */
  private static int failed(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    if (failure instanceof CommandFailure known) {
      command.getErr().println("kiln: " + known.getMessage());
      return known.exitCode().code();
    }
    if (failure instanceof ManifestException wrong) {
      command.getErr().println("kiln: " + wrong.getMessage());
      return ExitCode.USAGE.code();
    }
    failure.printStackTrace(command.getErr());
    command.getErr().println("kiln: this is a bug; please report it with the lines above");
    return ExitCode.INFRASTRUCTURE.code();
  }
}
