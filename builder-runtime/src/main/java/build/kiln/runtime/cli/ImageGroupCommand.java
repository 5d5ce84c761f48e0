package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kiln image}: what is about all images. */
@Command(
    name = "image",
    description = "Manages the images of the local store.",
    subcommands = ImagePruneCommand.class,
    mixinStandardHelpOptions = true)
final class ImageGroupCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing: prune");
  }
}
