package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Report;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A run on the status, one event later. */
final class RunEdit {
  private static final PlatformRun NO_PLATFORM =
      new PlatformRun(null, null, null, null, null, null);

  private RunEdit() {}

  /** It got a Job. */
  static Run started(Run run, String inputsHash, String job, Isolation requested, String note) {
    var platform = run.platform().orElse(NO_PLATFORM);
    var before = platform.isolation() == null ? null : platform.isolation().detail();
    return with(
        run,
        inputsHash,
        Phase.Pending,
        new PlatformRun(
            platform.platform(),
            job,
            null,
            new IsolationReport(requested, null, join(before, note)),
            null,
            null),
        null);
  }

  /** Its Job is under way. */
  static Run watched(
      Run run, String job, Isolation requested, boolean runs, @Nullable Progress at) {
    var platform = run.platform().filter(known -> known.job() != null);
    return with(
        run,
        run.inputsHash(),
        runs ? Phase.Running : run.phase(),
        platform.orElseGet(
            () ->
                new PlatformRun(
                    null, job, null, new IsolationReport(requested, null, null), null, null)),
        at == null ? run.progress() : at);
  }

  /** It came to an end. */
  static Run ended(
      Run run, Result result, @Nullable Report report, Isolation requested, Instant now) {
    var outcome =
        switch (result) {
          case Result.Success success -> success.outcome();
          case Result.Failure failure -> failure.outcome();
        };
    var platform = run.platform().orElse(NO_PLATFORM);
    return new Run(
        run.number(),
        run.cause(),
        run.inputsHash(),
        run.podHash(),
        report != null && report.revision() != null ? report.revision() : run.revision(),
        result instanceof Result.Success ? Phase.Succeeded : Phase.Failed,
        run.startTime(),
        time(now),
        List.of(
            new PlatformRun(
                report == null ? platform.platform() : report.platform(),
                platform.job(),
                result instanceof Result.Success success ? success.digest() : null,
                isolation(platform.isolation(), outcome, requested),
                outcome == null ? null : outcome.pulledBytes(),
                outcome == null ? null : outcome.pushedBytes())),
        result instanceof Result.Success ? null : run.progress(),
        report == null ? null : report.steps(),
        result instanceof Result.Failure failure ? failure(failure, platform) : null);
  }

  /** A newer run took its place. */
  static Run superseded(Run run, String message, Instant now) {
    return new Run(
        run.number(),
        run.cause(),
        run.inputsHash(),
        run.podHash(),
        run.revision(),
        Phase.Failed,
        run.startTime(),
        time(now),
        run.platforms(),
        run.progress(),
        null,
        new Failure(FailureReason.Superseded, null, null, message, null));
  }

  /** An older run, which keeps no steps. */
  static Run aged(Run run) {
    return run.steps() == null
        ? run
        : new Run(
            run.number(),
            run.cause(),
            run.inputsHash(),
            run.podHash(),
            run.revision(),
            run.phase(),
            run.startTime(),
            run.completionTime(),
            run.platforms(),
            run.progress(),
            null,
            run.failure());
  }

  static String time(Instant now) {
    return now.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static Run with(
      Run run,
      @Nullable String inputsHash,
      Phase phase,
      PlatformRun platform,
      @Nullable Progress progress) {
    return new Run(
        run.number(),
        run.cause(),
        inputsHash,
        run.podHash(),
        run.revision(),
        phase,
        run.startTime(),
        run.completionTime(),
        List.of(platform),
        progress,
        run.steps(),
        run.failure());
  }

  private static Failure failure(Result.Failure failure, PlatformRun platform) {
    var outcome = failure.outcome();
    var why =
        failure.reason() != FailureReason.IsolationUnavailable || platform.isolation() == null
            ? null
            : platform.isolation().detail();
    var message = join(failure.message(), why);
    return outcome == null
        ? new Failure(failure.reason(), null, null, message, null)
        : new Failure(
            failure.reason(), outcome.step(), outcome.stepExitCode(), message, outcome.logTail());
  }

  private static @Nullable IsolationReport isolation(
      @Nullable IsolationReport before, @Nullable Outcome outcome, Isolation requested) {
    var said = outcome == null ? null : outcome.isolation();
    return said == null
        ? before
        : new IsolationReport(
            requested,
            said.achieved(),
            join(before == null ? null : before.detail(), said.detail()));
  }

  private static @Nullable String join(@Nullable String before, @Nullable String after) {
    var joined =
        Stream.of(requireNonNullElse(before, ""), requireNonNullElse(after, ""))
            .filter(text -> !text.isEmpty())
            .distinct()
            .collect(Collectors.joining("; "));
    return joined.isEmpty() ? null : Objects.requireNonNull(joined);
  }
}
