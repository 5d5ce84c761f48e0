package build.kiln.runtime.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The root: names the commands. */
@Command(
    name = "kiln",
    description = "Builds container images without a daemon.",
    subcommands = {
      BuildCommand.class,
      CheckCommand.class,
      ExplainCommand.class,
      RunCommand.class,
      PullCommand.class,
      PushCommand.class,
      TagCommand.class,
      ImagesCommand.class,
      InspectCommand.class,
      HistoryCommand.class,
      RmiCommand.class,
      ImageGroupCommand.class,
      BuilderCommand.class,
      SystemCommand.class,
      VersionCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.Provider.class,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:all done",
      "1:yours to mend: the Dockerfile, a failing step, a missing base, refused credentials",
      "2:the command line or the manifest is wrong",
      "3:a registry is down, the disk is full, or the like: a retry may help",
      "4:the isolation that was asked for cannot be had here"
    },
    footerHeading = "%n",
    footer = "kiln COMMAND --help tells more.")
final class KilnCommand implements Runnable {
  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
  }
}
