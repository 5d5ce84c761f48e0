package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kiln builder}: what is about the build cache. */
@Command(
    name = "builder",
    description = "Manages the build cache.",
    subcommands = BuilderPruneCommand.class,
    mixinStandardHelpOptions = true)
final class BuilderCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing: prune");
  }
}
