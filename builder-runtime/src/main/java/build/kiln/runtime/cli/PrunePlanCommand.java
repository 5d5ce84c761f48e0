package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PlanFile;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.file.Path;

/** {@code kiln prune plan}. */
final class PrunePlanCommand implements Command {
  /** How a plan is shown. */
  enum Output {
    text,
    json
  }

  @SuppressWarnings("NullAway.Init") // required, so the parser sets it
  private Path file;

  private Output output = Output.text;
  private final PruneSession session = new PruneSession();

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about(
            "Says what an ImagePrunePolicy would delete now, and why; deletes nothing.",
            "What is seen for the first time is remembered, since ages count from then.")
        .requiredOption(
            "-f, --file=FILE",
            "A manifest with one ImagePrunePolicy.",
            text -> file = Path.of(text))
        .choice(
            "-o, --output=HOW",
            "${COMPLETION-CANDIDATES}; kiln prune apply takes json. Default: text.",
            Output.class,
            value -> output = value);
    session.syntax(syntax);
  }

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
