package build.kiln.runtime.cli;

import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The root: names the commands. */
@Command(
    name = "kiln",
    description = "Builds container images without a daemon.",
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
  /** The commands by their names, in the order of the help. */
  static final List<Map.Entry<String, Class<?>>> COMMANDS =
      List.of(
          Map.entry("build", BuildCommand.class),
          Map.entry("check", CheckCommand.class),
          Map.entry("explain", ExplainCommand.class),
          Map.entry("run", RunCommand.class),
          Map.entry("sync", SyncCommand.class),
          Map.entry("login", LoginCommand.class),
          Map.entry("logout", LogoutCommand.class),
          Map.entry("ls", LsCommand.class),
          Map.entry("digest", DigestCommand.class),
          Map.entry("registry", RegistryCommand.class),
          Map.entry("pull", PullCommand.class),
          Map.entry("push", PushCommand.class),
          Map.entry("tag", TagCommand.class),
          Map.entry("copy", CopyCommand.class),
          Map.entry("save", SaveCommand.class),
          Map.entry("load", LoadCommand.class),
          Map.entry("images", ImagesCommand.class),
          Map.entry("inspect", InspectCommand.class),
          Map.entry("history", HistoryCommand.class),
          Map.entry("rmi", RmiCommand.class),
          Map.entry("image", ImageGroupCommand.class),
          Map.entry("builder", BuilderCommand.class),
          Map.entry("system", SystemCommand.class),
          Map.entry("prune", PruneCommand.class),
          Map.entry("version", VersionCommand.class),
          Map.entry("train", TrainCommand.class));

  @Spec
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private CommandSpec spec;

  /**
   * The command line that these words are for. Its model takes longer to make than short commands
   * take for all else, so it has that command alone which the first word names; or all of them,
   * where help or an error may be about them.
   */
  static CommandLine line(String... words) {
    var line = new CommandLine(new KilnCommand());
    String first = words.length == 0 ? "" : words[0];
    List<Map.Entry<String, Class<?>>> named =
        COMMANDS.stream().filter(command -> command.getKey().equals(first)).toList();
    for (var command : named.isEmpty() ? COMMANDS : named) {
      line.addSubcommand(command.getValue());
    }
    return line;
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
  }
}
