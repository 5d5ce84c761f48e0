package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PlanFile;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code kiln prune plan}. */
@Command(
    name = "plan",
    description = {
      "Says what an ImagePrunePolicy would delete now, and why; deletes nothing.",
      "What is seen for the first time is remembered, since ages count from then."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class PrunePlanCommand implements Callable<Integer> {
  /** How a plan is shown. */
  enum Output {
    text,
    json
  }

  @Option(
      names = {"-f", "--file"},
      required = true,
      paramLabel = "FILE",
      description = "A manifest with one ImagePrunePolicy.")
  @SuppressWarnings("NullAway.Init") // picocli sets it
  private Path file;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "HOW",
      description = "${COMPLETION-CANDIDATES}; kiln prune apply takes json. Default: text.")
  private Output output = Output.text;

  @Mixin private PruneSession session = new PruneSession();

  @Override
  public Integer call() throws CommandFailure {
    PruneSession.Policy policy = PruneSession.policy(file, NamedFile.bytes(file));
    try (RegistryClient client = session.client()) {
      Plan plan = session.run(policy, client, outcome -> {}).plan();
      switch (output) {
        case text -> PruneText.print(plan, System.out);
        case json -> {
          System.out.writeBytes(PlanFile.of(plan).madeOf(session.input(policy)).write());
          System.out.println();
        }
      }
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw PruneSession.failure(e);
    }
  }
}
