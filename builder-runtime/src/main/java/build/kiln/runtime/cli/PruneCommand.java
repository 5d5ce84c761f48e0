package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kiln prune}: an ImagePrunePolicy without a cluster. */
@Command(
    name = "prune",
    description = {
      "Deletes from registries what an ImagePrunePolicy lets go and nobody needs.",
      "See kiln image prune and kiln system prune for the local store."
    },
    subcommands = {PrunePlanCommand.class, PruneApplyCommand.class, PruneReportCommand.class},
    mixinStandardHelpOptions = true)
final class PruneCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "a command is missing: plan, apply or report");
  }
}
