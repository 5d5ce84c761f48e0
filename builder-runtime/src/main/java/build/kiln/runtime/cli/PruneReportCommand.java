package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code kiln prune report}. */
final class PruneReportCommand implements Command {
  private @Nullable Path file;
  private PrunePlanCommand.Output output = PrunePlanCommand.Output.text;
  private final PruneSession session = new PruneSession();

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about("Shows what the last kiln prune apply did.")
        .option(
            "-f, --file=FILE",
            "A report instead of the last one; of a cluster's run, what the command in status.lastRun.report prints.",
            text -> file = Path.of(text))
        .choice(
            "-o, --output=HOW",
            "${COMPLETION-CANDIDATES}. Default: text.",
            PrunePlanCommand.Output.class,
            value -> output = value);
    session.syntax(syntax);
  }

  @Override
  public Integer call() throws CommandFailure {
    Path shown = file == null ? last() : file;
    byte[] bytes = NamedFile.bytes(shown);
    switch (output) {
      case json -> {
        try {
          System.out.writeBytes(ReportFile.read(shown.toString(), bytes).write());
        } catch (PruneException e) {
          throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
        System.out.println();
      }
      case text -> {
        try {
          PruneText.print(ReportFile.read(shown.toString(), bytes), System.out);
        } catch (PruneException e) {
          throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
      }
    }
    return ExitCode.OK.code();
  }

  /** Keeps a report, to be shown by this command. */
  static Path keep(Path state, ReportFile report) throws IOException {
    Path folder = Files.createDirectories(state.resolve("reports"));
    String name = report.plan().at().replace(':', '-') + ".json";
    return Files.write(folder.resolve(name), report.write());
  }

  private Path last() throws CommandFailure {
    Optional<Path> folder = session.reports();
    if (folder.isPresent()) {
      try (Stream<Path> files = Files.list(folder.get())) {
        Optional<Path> last = files.max(Comparator.naturalOrder());
        if (last.isPresent()) {
          return last.get();
        }
      } catch (IOException e) {
        throw CommandFailure.infrastructure(e);
      }
    }
    throw new CommandFailure(
        ExitCode.USER, "there is no report in " + session.state() + ": nothing was applied yet");
  }
}
