package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kiln system}: what is about the whole local store. */
@Command(
    name = "system",
    description = "Manages the local store.",
    subcommands = {SystemDfCommand.class, SystemPruneCommand.class},
    mixinStandardHelpOptions = true)
final class SystemCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "a command is missing: df or prune");
  }
}
