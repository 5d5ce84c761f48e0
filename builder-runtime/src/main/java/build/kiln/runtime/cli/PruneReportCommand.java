package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.prune.RunReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kiln prune report}. */
@Command(
    name = "report",
    description = "Shows what the last kiln prune apply did.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class PruneReportCommand implements Callable<Integer> {
  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "A report, instead of the last one.")
  private @Nullable Path file;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "HOW",
      description = "${COMPLETION-CANDIDATES}. Default: text.")
  private PrunePlanCommand.Output output = PrunePlanCommand.Output.text;

  @Mixin private PruneSession session = new PruneSession();

  @Override
  public Integer call() throws CommandFailure {
    Path shown = file == null ? last() : file;
    byte[] bytes = PruneSession.bytes(shown);
    switch (output) {
      case json -> {
        System.out.writeBytes(bytes);
        System.out.println();
      }
      case text -> {
        try {
          PruneText.print(Json.read(bytes, RunReport.class, shown.toString()), System.out);
        } catch (OciException e) {
          throw new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
        }
      }
    }
    return ExitCode.OK.code();
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
