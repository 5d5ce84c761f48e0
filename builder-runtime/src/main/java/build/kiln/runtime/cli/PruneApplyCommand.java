package build.kiln.runtime.cli;

import build.kiln.api.work.ExitCode;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PlanFile;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.prune.RunReport;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@code kiln prune apply}. */
final class PruneApplyCommand implements Command {
  @SuppressWarnings("NullAway.Init") // required, so the parser sets it
  private Path file;

  private @Nullable String approve;
  private boolean force;
  private final PruneSession session = new PruneSession();

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .about(
            "Deletes what a plan says, or what a policy lets go now.",
            "It asks first, unless the plan's hash is given or --force.")
        .requiredOption(
            "-f, --file=FILE",
            "A plan, as kiln prune plan -o json writes it, or an ImagePrunePolicy.",
            text -> file = Path.of(text))
        .option(
            "--approve=HASH",
            "The plan's hash: nothing else is carried out, and that even if it deletes more than the policy's limits.",
            text -> approve = text)
        .flag("--force", "Do not ask.", on -> force = on);
    session.syntax(syntax);
  }

  @Override
  public Integer call() throws CommandFailure {
    byte[] bytes = NamedFile.bytes(file);
    try (RegistryClient client = session.client()) {
      boolean isPlan = new String(bytes, StandardCharsets.UTF_8).contains("\"PrunePlan\"");
      PlanFile made = isPlan ? PlanFile.read(file.toString(), bytes) : null;
      PruneSession.Policy policy =
          made == null ? PruneSession.policy(file, bytes) : session.policy(file.toString(), made);
      if (made == null) {
        refuseDryRun(policy);
      }
      PolicyRun run = session.run(policy, client, o -> System.out.println(PruneText.line(o)));
      Plan plan = made == null ? run.plan() : made.toPlan();
      if (approve != null && !approve.equals(plan.hash())) {
        throw new CommandFailure(
            ExitCode.USER,
            "nothing was deleted: the plan's hash is %s, not what --approve says"
                .formatted(plan.hash()));
      }
      PruneText.print(plan, System.out);
      if (plan.stop() == null && plan.deletions() == 0) {
        return ExitCode.OK.code();
      }
      confirm(plan);
      return apply(plan, run);
    } catch (PruneException e) {
      throw e.code() == PruneException.Code.INPUT_INVALID
          ? new CommandFailure(ExitCode.USAGE, String.valueOf(e.getMessage()), e)
          : PruneSession.failure(e);
    } catch (IOException e) {
      throw PruneSession.failure(e);
    }
  }

  private void refuseDryRun(PruneSession.Policy policy) throws CommandFailure {
    if (policy.spec().dryRun() && approve == null) {
      throw new CommandFailure(
          ExitCode.USER,
          "nothing was deleted: spec.dryRun is true; set it to false, or give the plan's hash with --approve");
    }
  }

  private void confirm(Plan plan) throws CommandFailure, IOException {
    if (plan.stop() != null || approve != null) {
      return;
    }
    PruneOptions.confirm(
        force,
        "This deletes %d manifests and tags from registries, for good.\n"
            .formatted(plan.deletions()),
        System.out);
  }

  private int apply(Plan plan, PolicyRun run) throws CommandFailure, IOException {
    RunReport report = run.apply(plan, approve == null ? "" : approve);
    PruneReportCommand.keep(
        session.state(), ReportFile.of(1, new PolicyRun.Ended(plan, Optional.of(report))));
    Plan.Stop stop = report.stop();
    if (stop != null) {
      throw new CommandFailure(ExitCode.USER, "nothing was deleted: " + stop.message());
    }
    System.out.println();
    PruneText.print(report.withoutOutcomes(), System.out);
    return report.failed() == 0 ? ExitCode.OK.code() : ExitCode.USER.code();
  }
}
