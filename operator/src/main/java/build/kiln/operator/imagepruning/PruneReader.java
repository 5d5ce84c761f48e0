package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.job.JobState;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.RunResult;
import build.kiln.operator.settings.Settings;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a policy's pod came to. What decides is its termination message and nothing else, never the
 * log; that adds what was kept and deleted.
 */
final class PruneReader {
  /** Reasons of runs that deleted nothing of their plan. */
  private static final Set<PruneFailureReason> STOPPED =
      Set.of(
          PruneFailureReason.UseUnknown,
          PruneFailureReason.ClockBehind,
          PruneFailureReason.LimitsExceeded);

  private PruneReader() {}

  /** Whether a run was stopped before its first deletion. */
  static boolean wasStopped(PruneOutcome outcome) {
    return outcome.reason() != null && STOPPED.contains(outcome.reason());
  }

  /**
   * Reads an end.
   *
   * @param logged the report in its log, if there is one
   */
  static Conclusion<PruneReport> read(
      JobState.Exited end, Optional<PruneReport> logged, Settings.Retry retry) {
    var outcome = Records.readPruneOutcome(end.message()).orElse(null);
    boolean well = end.code() == ExitCode.OK.code();
    if (outcome == null || well != outcome.succeeded()) {
      return new Conclusion<>(RunResult.withoutWord(end, "pruning", retry), null);
    }
    var report =
        new PruneReport(
            outcome,
            logged.map(PruneReport::kept).orElse(List.of()),
            logged.map(PruneReport::deletions).orElse(List.of()),
            logged.<@Nullable String>map(PruneReport::report).orElse(null),
            logged.map(PruneReport::warnings).orElse(List.of()),
            logged.map(PruneReport::peakMemory).orElse(0L));
    RunResult result = well ? success(outcome) : failure(outcome, retry);
    return new Conclusion<>(result.warning(warnings(report)), report);
  }

  private static List<RunResult.Warning> warnings(PruneReport report) {
    return report.warnings().stream()
        .map(warning -> new RunResult.Warning(warning.reason(), warning.message()))
        .toList();
  }

  private static RunResult success(PruneOutcome outcome) {
    var counts =
        outcome.dryRun()
            ? "dry run: %d of %d would be deleted, %d bytes set free; plan %s"
                .formatted(
                    outcome.deleted(),
                    outcome.examined(),
                    outcome.reclaimedBytes(),
                    outcome.planHash())
            : "%d examined, %d deleted, %d left, %d bytes set free"
                .formatted(
                    outcome.examined(),
                    outcome.deleted(),
                    outcome.left(),
                    outcome.reclaimedBytes());
    return RunResult.success(
        outcome.message() == null ? counts : counts + "; " + outcome.message());
  }

  private static RunResult failure(PruneOutcome outcome, Settings.Retry retry) {
    var reason = requireNonNullElse(outcome.reason(), PruneFailureReason.Infrastructure);
    return RunResult.failure(
        reason.name(),
        requireNonNullElse(outcome.message(), "the pod gave no message; see its log"),
        backoff(reason, outcome.retryable(), retry));
  }

  private static @Nullable Backoff backoff(
      PruneFailureReason reason, boolean retryable, Settings.Retry retry) {
    if (reason == PruneFailureReason.SecretNotFound) {
      return Backoff.of(FailureReason.SecretNotFound, retry).orElse(null);
    }
    return retryable ? Backoff.ofTrouble(retry) : null;
  }
}
