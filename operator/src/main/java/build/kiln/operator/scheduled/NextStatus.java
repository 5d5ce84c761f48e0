package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import build.kiln.api.v1alpha1.Text;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Conditions.Now;
import build.kiln.operator.job.Conditions.Value;
import build.kiln.operator.job.Times;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** The standing after a pass. Pure: from that before, what was seen, and what was decided. */
final class NextStatus {
  private static final int LONGEST_MESSAGE = 1000;

  private static final Now SUSPENDED =
      new Now(
          Value.Unknown,
          Conditions.SUSPENDED,
          "a run is due; it starts when spec.suspend is false",
          false,
          false);

  private final Words words;
  private final Subject subject;
  private final Standing before;
  private final Observed<?> observed;
  private final Instant now;

  private NextStatus(Words words, Subject subject, Observed<?> observed, Instant now) {
    this.words = words;
    this.subject = subject;
    this.before = subject.before();
    this.observed = observed;
    this.now = now;
  }

  /**
   * @param job the name of the Job that is started, or would be
   */
  static Standing of(
      Words words, Subject subject, Observed<?> observed, Action action, String job, Instant now) {
    return new NextStatus(words, subject, observed, now).after(action, job);
  }

  /** The standing when passes fail again and again: it tells why, and keeps all else. */
  static Standing erring(Subject subject, String error, Instant now) {
    var before = subject.before();
    return new Standing(
        before.observedGeneration(),
        before.lastHandled(),
        before.next(),
        before.run(),
        Conditions.of(
            before.conditions(),
            subject.generation(),
            now,
            progressing(
                Conditions.RECONCILE_FAILED,
                Text.orEmpty(
                    Text.start(
                        "this fails and is tried again with growing waits: " + error,
                        LONGEST_MESSAGE)))));
  }

  private Standing after(Action action, String job) {
    var run = run(action, job);
    boolean grants = action instanceof Action.Accept || action instanceof Action.Start;
    var handled = grants && subject.wish() != null ? subject.wish() : before.lastHandled();
    var next = next(action, run).map(Standing::text).orElse(null);
    var told = new Standing(subject.generation(), handled, next, run, before.conditions());
    return new Standing(
        told.observedGeneration(),
        told.lastHandled(),
        told.next(),
        told.run(),
        Conditions.of(before.conditions(), subject.generation(), now, conditions(action, told)));
  }

  /** When the next run is due; times that pass during a run are passed over. */
  private Optional<Instant> next(Action action, @Nullable ScheduledRun run) {
    if (subject.suspend() || subject.problem().isPresent()) {
      return Optional.empty();
    }
    var start = run == null ? Optional.<Instant>empty() : Times.parse(run.startTime());
    var seenFromNow = subject.timing().next(start, now);
    boolean anew = action instanceof Action.Accept || action instanceof Action.Finish;
    boolean passed = Times.parse(before.next()).filter(time -> !now.isBefore(time)).isPresent();
    return anew || before.underWay() && passed ? seenFromNow : Decider.due(subject, now);
  }

  private @Nullable ScheduledRun run(Action action, String job) {
    var run = before.run();
    return switch (action) {
      case Action.Accept accept -> accepted(accept.cause());
      case Action.Reject reject ->
          run != null && Decider.givesUp(reject, before)
              ? ended(
                  run,
                  Phase.Failed,
                  FailureReason.Superseded.name(),
                  "the spec became invalid",
                  null)
              : run;
      case Action.Start start ->
          run == null ? null : with(run, Phase.Pending, job, start.secretsHash());
      case Action.Watch watch ->
          run == null
              ? null
              : with(
                  run,
                  watch.reading() instanceof Reading.Waiting ? run.phase() : Phase.Running,
                  observed.attempts().isEmpty() ? job : current(job),
                  run.secretsHash());
      case Action.Finish finish -> run == null ? null : finished(run, finish.result());
      case Action.Suspend _, Action.Block _, Action.Queue _, Action.Settle _, Action.Rest _ -> run;
    };
  }

  /** The name of the newest run's Job as it is, which is the name that it would be given. */
  private String current(String job) {
    return observed.attempts().stream()
        .filter(attempt -> before.run() != null && attempt.run() == before.run().number())
        .map(Attempt::name)
        .findFirst()
        .orElse(job);
  }

  private ScheduledRun accepted(Cause cause) {
    long last =
        LongStream.concat(
                before.newest().stream().mapToLong(ScheduledRun::number),
                observed.attempts().stream().mapToLong(Attempt::run))
            .max()
            .orElse(0);
    return new ScheduledRun(
        last + 1,
        cause,
        subject.specHash(),
        subject.podHash(),
        null,
        Phase.Pending,
        Standing.text(now),
        null,
        null,
        cause == Cause.Retry ? before.newest().map(NextStatus::row).orElse(0) + 1 : null,
        null,
        null,
        null);
  }

  private static ScheduledRun with(
      ScheduledRun run, Phase phase, String job, @Nullable String secretsHash) {
    return new ScheduledRun(
        run.number(),
        run.cause(),
        run.specHash(),
        run.podHash(),
        secretsHash,
        phase,
        run.startTime(),
        run.completionTime(),
        job,
        run.retry(),
        run.retryTime(),
        run.reason(),
        run.message());
  }

  private ScheduledRun finished(ScheduledRun run, RunResult result) {
    return ended(
        run,
        result.succeeded() ? Phase.Succeeded : Phase.Failed,
        result.reason(),
        result.message(),
        result.retry() == null ? null : Standing.text(now.plus(result.retry().after(row(run)))));
  }

  private ScheduledRun ended(
      ScheduledRun run, Phase phase, String reason, String message, @Nullable String retryTime) {
    return new ScheduledRun(
        run.number(),
        run.cause(),
        run.specHash(),
        run.podHash(),
        run.secretsHash(),
        phase,
        run.startTime(),
        Standing.text(now),
        run.job(),
        run.retry(),
        retryTime,
        reason,
        Text.start(message, LONGEST_MESSAGE));
  }

  private static int row(ScheduledRun run) {
    return run.retry() == null ? 0 : run.retry();
  }

  private Now conditions(Action action, Standing told) {
    var run = told.run();
    return switch (action) {
      case Action.Reject reject ->
          new Now(Value.False, FailureReason.SpecInvalid.name(), reject.message(), false, true);
      case Action.Accept accept ->
          progressing(
              "Pending",
              "run %d is accepted: %s".formatted(run == null ? 0 : run.number(), accept.cause()));
      case Action.Suspend _ -> SUSPENDED;
      case Action.Block block -> blocked(block.reason(), block.message());
      case Action.Queue queue ->
          progressing("Queued", "waits for its turn, at place " + queue.position());
      case Action.Settle settle ->
          progressing(
              "Pending", "waits for pod %s of an earlier run to end".formatted(settle.pod()));
      case Action.Start _ -> progressing("Starting", "a pod starts");
      case Action.Watch watch -> watched(watch.reading());
      case Action.Finish _ ->
          Decider.changed(with(told), null).map(this::due).orElseGet(() -> rested(run));
      case Action.Rest _ -> rested(run);
    };
  }

  private Subject with(Standing standing) {
    return new Subject(
        subject.problem(),
        subject.generation(),
        subject.suspend(),
        subject.timing(),
        subject.specHash(),
        subject.podHash(),
        subject.wish(),
        subject.history(),
        standing);
  }

  /** What a run that ended came to is not what is asked for by now. */
  private Now due(Cause cause) {
    return subject.suspend() ? SUSPENDED : progressing("Pending", "another run is due: " + cause);
  }

  private Now watched(Reading reading) {
    return switch (reading) {
      case Reading.Waiting waiting ->
          waiting
              .blocker()
              .map(blocker -> blocked(blocker.reason(), blocker.message()))
              .orElseGet(() -> progressing("Starting", "a pod starts"));
      case Reading.Running _, Reading.Ended _ -> progressing(words.running(), "the pod runs");
      case Reading.Following _ ->
          progressing(words.running(), "the pod is done; what follows it is under way");
    };
  }

  private static Now progressing(String reason, String message) {
    return new Now(Value.Unknown, reason, message, true, false);
  }

  private static Now blocked(FailureReason reason, String message) {
    return new Now(Value.False, reason.name(), message, true, false);
  }

  /** How things are when the newest run, if there is one, is finished. */
  private Now rested(@Nullable ScheduledRun run) {
    if (run == null) {
      return progressing("Pending", "no run yet");
    }
    var reason = run.reason() == null ? "Unknown" : run.reason();
    var message = Text.orEmpty(run.message());
    if (run.phase() == Phase.Succeeded) {
      return new Now(Value.True, reason, message, false, false);
    }
    boolean again = run.retryTime() != null && !subject.suspend();
    return new Now(
        Value.False,
        reason,
        message + (again ? "; the next run is due at " + run.retryTime() : ""),
        again,
        !again);
  }
}
