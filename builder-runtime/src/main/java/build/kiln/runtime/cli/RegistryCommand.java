package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kiln registry}: what is about registries themselves. */
@Command(
    name = "registry",
    description = "Looks at registries.",
    subcommands = RegistryCheckCommand.class,
    mixinStandardHelpOptions = true)
final class RegistryCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing: check");
  }
}
