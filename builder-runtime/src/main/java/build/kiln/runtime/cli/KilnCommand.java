package build.kiln.runtime.cli;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;

/** The root: names the commands. */
final class KilnCommand implements Command {
  /** The commands by their names, in the order of the help. */
  static final List<Map.Entry<String, Supplier<Command>>> COMMANDS =
      List.of(
          Map.entry("build", BuildCommand::new),
          Map.entry("check", CheckCommand::new),
          Map.entry("explain", ExplainCommand::new),
          Map.entry("run", RunCommand::new),
          Map.entry("sync", SyncCommand::new),
          Map.entry("login", LoginCommand::new),
          Map.entry("logout", LogoutCommand::new),
          Map.entry("ls", LsCommand::new),
          Map.entry("digest", DigestCommand::new),
          Map.entry("registry", KilnCommand::registry),
          Map.entry("pull", PullCommand::new),
          Map.entry("push", PushCommand::new),
          Map.entry("tag", TagCommand::new),
          Map.entry("copy", CopyCommand::new),
          Map.entry("save", SaveCommand::new),
          Map.entry("load", LoadCommand::new),
          Map.entry("images", ImagesCommand::new),
          Map.entry("inspect", InspectCommand::new),
          Map.entry("history", HistoryCommand::new),
          Map.entry("rmi", RmiCommand::new),
          Map.entry("image", KilnCommand::image),
          Map.entry("builder", KilnCommand::builder),
          Map.entry("system", KilnCommand::system),
          Map.entry("prune", KilnCommand::prune),
          Map.entry("version", VersionCommand::new),
          Map.entry("train", TrainCommand::new));

  private final List<Map.Entry<String, Supplier<Command>>> commands;

  @SuppressWarnings("NullAway.Init") // a command says its syntax before it is called
  private Syntax syntax;

  private KilnCommand(List<Map.Entry<String, Supplier<Command>>> commands) {
    this.commands = commands;
  }

  /**
   * The command line that these words are for: with that command alone which the first word names,
   * since all of them take a fifth of the time of a short command to be described; or with all,
   * where help or an error may be about them.
   */
  static CommandLine line(String... words) {
    return Syntax.line("kiln", new KilnCommand(words.length == 0 ? COMMANDS : named(words[0])));
  }

  private static List<Map.Entry<String, Supplier<Command>>> named(String name) {
    for (var command : COMMANDS) {
      if (command.getKey().equals(name)) {
        return List.of(command);
      }
    }
    return COMMANDS;
  }

  @Override
  public void syntax(Syntax syntax) {
    this.syntax = syntax;
    syntax
        .about("Builds container images without a daemon.")
        .exitCodes(
            "all done",
            "yours to mend: the Dockerfile, a failing step, a missing base, refused credentials",
            "the command line or the manifest is wrong",
            "a registry is down, the disk is full, or the like: a retry may help",
            "the isolation that was asked for cannot be had here")
        .footer("kiln COMMAND --help tells more.");
    for (var command : commands) {
      syntax.command(command.getKey(), command.getValue().get());
    }
  }

  @Override
  public Integer call() {
    throw syntax.wrong("a command is missing");
  }

  private static Command registry() {
    return new CommandGroup("Looks at registries.").with("check", new RegistryCheckCommand());
  }

  private static Command image() {
    return new CommandGroup("Manages the images of the local store.")
        .with("prune", new ImagePruneCommand());
  }

  private static Command builder() {
    return new CommandGroup("Manages the build cache.").with("prune", new BuilderPruneCommand());
  }

  private static Command system() {
    return new CommandGroup("Manages the local store.")
        .with("df", new SystemDfCommand())
        .with("prune", new SystemPruneCommand());
  }

  /** An ImagePrunePolicy without a cluster. */
  private static Command prune() {
    return new CommandGroup(
            "Deletes from registries what an ImagePrunePolicy lets go and nobody needs.",
            "See kiln image prune and kiln system prune for the local store.")
        .with("plan", new PrunePlanCommand())
        .with("apply", new PruneApplyCommand())
        .with("report", new PruneReportCommand());
  }
}
