package build.kiln.operator.imagemirror;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.job.JobState;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.RunResult;
import build.kiln.operator.settings.Settings;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a mirror's pod came to. What decides is its termination message and nothing else, never the
 * log; that adds which images there were.
 */
final class MirrorReader {
  private MirrorReader() {}

  /**
   * Reads an end.
   *
   * @param logged the report in its log, if there is one
   */
  static Conclusion<MirrorReport> read(
      JobState.Exited end, Optional<MirrorReport> logged, Settings.Retry retry) {
    var outcome = Records.readMirrorOutcome(end.message()).orElse(null);
    if (outcome == null) {
      return new Conclusion<>(RunResult.withoutWord(end, "mirror", retry), null);
    }
    var images = logged.map(MirrorReport::images).orElse(List.of());
    var report = new MirrorReport(outcome, images, logged.map(MirrorReport::peakMemory).orElse(0L));
    boolean well = end.code() == ExitCode.OK.code();
    if (well != outcome.succeeded()) {
      return new Conclusion<>(RunResult.withoutWord(end, "mirror", retry), null);
    }
    return new Conclusion<>(well ? success(outcome) : failure(outcome, retry), report);
  }

  private static RunResult success(MirrorOutcome outcome) {
    return RunResult.success(
        "%d observed, %d copied, %d up to date, %d deleted"
            .formatted(
                outcome.observed(), outcome.copied(), outcome.upToDate(), outcome.deleted()));
  }

  private static RunResult failure(MirrorOutcome outcome, Settings.Retry retry) {
    var reason = requireNonNullElse(outcome.reason(), MirrorFailureReason.Infrastructure);
    return RunResult.failure(
        reason.name(),
        requireNonNullElse(outcome.message(), "the pod gave no message; see its log"),
        backoff(reason, outcome.retryable(), retry));
  }

  private static @Nullable Backoff backoff(
      MirrorFailureReason reason, boolean retryable, Settings.Retry retry) {
    if (reason == MirrorFailureReason.SecretNotFound) {
      return Backoff.of(FailureReason.SecretNotFound, retry).orElse(null);
    }
    return retryable ? Backoff.ofTrouble(retry) : null;
  }
}
