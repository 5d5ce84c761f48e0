package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Times;
import build.kiln.operator.settings.Settings;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Decides what a pass does. Pure: all that it knows are its arguments. */
final class Decider {
  /** The next thing is to be done at once, by a pass of its own, after the status is written. */
  private static final Duration NOW = Duration.ofMillis(1);

  private static final Duration LONGEST_QUEUE_POLL = Duration.ofSeconds(30);

  /** Secrets are not watched; after a failure they are looked at so many times less often. */
  private static final int SECRETS_POLL = 3;

  private Decider() {}

  static Decision decide(Subject subject, Observed<?> observed, Settings settings, Instant now) {
    var action = action(subject, observed, settings, now);
    var jobs = Jobs.of(subject, observed.attempts(), givesUp(action, subject.before()));
    return new Decision(
        action, jobs.delete(), jobs.seal(), recheck(action, subject, observed, settings, now));
  }

  private static Action action(
      Subject subject, Observed<?> observed, Settings settings, Instant now) {
    if (subject.problem().isPresent()) {
      return new Action.Reject(subject.problem().get());
    }
    var run = subject.before().run();
    if (run != null && !run.finished()) {
      return underWay(subject, run, observed, settings);
    }
    var cause = changed(subject, observed.secretsHash());
    if (subject.suspend()) {
      return cause.isPresent() ? new Action.Suspend() : new Action.Rest();
    }
    return cause
        .or(() -> timely(subject, settings, now))
        .<Action>map(Action.Accept::new)
        .orElseGet(Action.Rest::new);
  }

  /**
   * What starts a run whatever the time, if something does.
   *
   * @param secretsHash see {@link Observed#secretsHash}
   */
  static Optional<Cause> changed(Subject subject, @Nullable String secretsHash) {
    var run = subject.before().run();
    if (run == null) {
      return Optional.of(Cause.Created);
    }
    if (!subject.specHash().equals(run.specHash()) || gaveWay(run)) {
      return Optional.of(Cause.SpecChanged);
    }
    if (subject.wish() != null && !subject.wish().equals(subject.before().lastHandled())) {
      return Optional.of(Cause.Requested);
    }
    if (run.phase() != Phase.Failed) {
      return Optional.empty();
    }
    if (!subject.podHash().equals(run.podHash())) {
      return Optional.of(Cause.PodChanged);
    }
    return secretsHash != null
            && run.secretsHash() != null
            && !secretsHash.equals(run.secretsHash())
        ? Optional.of(Cause.SecretChanged)
        : Optional.empty();
  }

  /** Whether a run was given up and none followed, since the spec was invalid in between. */
  private static boolean gaveWay(ScheduledRun run) {
    return FailureReason.Superseded.name().equals(run.reason());
  }

  private static Optional<Cause> timely(Subject subject, Settings settings, Instant now) {
    if (due(subject, now).filter(time -> !now.isBefore(time)).isPresent()) {
      return Optional.of(subject.timing().cause());
    }
    return retry(subject, settings, now).filter(time -> !now.isBefore(time)).map(_ -> Cause.Retry);
  }

  /**
   * When the next run is due by schedule or interval. What was told before holds for the spec that
   * it was told of: a change starts no run by making a past time one of the schedule's.
   */
  static Optional<Instant> due(Subject subject, Instant now) {
    var before = subject.before();
    boolean same = Objects.equals(before.observedGeneration(), subject.generation());
    return subject
        .timing()
        .due(same ? Times.parse(before.next()) : Optional.empty(), before.start(), now);
  }

  /** When a failed run is followed by another; a clock that was ahead does not put it off. */
  static Optional<Instant> retry(Subject subject, Settings settings, Instant now) {
    var latest = now.plus(Backoff.ofTrouble(settings.retry()).max());
    return subject
        .before()
        .newest()
        .flatMap(run -> Times.parse(run.retryTime()))
        .map(time -> time.isBefore(latest) ? time : latest);
  }

  private static Action underWay(
      Subject subject, ScheduledRun run, Observed<?> observed, Settings settings) {
    if (!subject.suspend()) {
      if (!subject.specHash().equals(run.specHash())) {
        return new Action.Accept(Cause.SpecChanged);
      }
      if (!subject.podHash().equals(run.podHash()) && stuck(subject.before(), observed)) {
        return new Action.Accept(Cause.PodChanged);
      }
    }
    if (observed.reading() != null) {
      return switch (observed.reading()) {
        case Reading.Waiting waiting -> new Action.Watch(waiting);
        case Reading.Running running -> new Action.Watch(running);
        case Reading.Following following -> new Action.Watch(following);
        case Reading.Ended ended -> new Action.Finish(ended.result());
      };
    }
    if (run.job() != null) {
      return new Action.Finish(
          RunResult.failure(
              FailureReason.Infrastructure.name(),
              "Job %s was deleted before its result was read".formatted(run.job()),
              Backoff.ofTrouble(settings.retry())));
    }
    return subject.suspend() ? new Action.Suspend() : start(observed);
  }

  /** Whether the run does not get on as things are. */
  private static boolean stuck(Standing before, Observed<?> observed) {
    return observed.reading() instanceof Reading.Waiting waiting && waiting.blocker().isPresent()
        || observed.reading() == null
            && Conditions.find(before.conditions(), Conditions.READY)
                .filter(ready -> "False".equals(ready.getStatus()))
                .isPresent();
  }

  private static Action start(Observed<?> observed) {
    return switch (Objects.requireNonNull(observed.readiness(), "readiness was not observed")) {
      case Readiness.Missing missing ->
          new Action.Block(FailureReason.SecretNotFound, missing.message());
      case Readiness.OldPodRuns old -> new Action.Settle(old.pod());
      case Readiness.Queued queued -> new Action.Queue(queued.position());
      case Readiness.Go go -> new Action.Start(go.secrets(), go.secretsHash());
    };
  }

  /** Whether the newest run, still under way, ends by this action without a result. */
  static boolean givesUp(Action action, Standing before) {
    return before.underWay()
        && (action instanceof Action.Reject || action instanceof Action.Accept);
  }

  private static @Nullable Duration recheck(
      Action action, Subject subject, Observed<?> observed, Settings settings, Instant now) {
    return switch (action) {
      case Action.Accept _, Action.Finish _ -> NOW;
      case Action.Start _ -> settings.pollOfMissing();
      case Action.Watch watch ->
          switch (watch.reading()) {
            // Its pod tells by itself when it ends.
            case Reading.Running _ -> null;
            case Reading.Following following -> following.again();
            case Reading.Waiting _, Reading.Ended _ ->
                shorter(settings.pollOfMissing(), settings.startGrace());
          };
      case Action.Block _ -> settings.pollOfMissing();
      case Action.Settle _ -> Duration.ofSeconds(2);
      case Action.Queue queue ->
          shorter(Duration.ofSeconds(5L * queue.position()), LONGEST_QUEUE_POLL);
      case Action.Reject _, Action.Suspend _ -> null;
      case Action.Rest _ -> rest(subject, observed, settings, now);
    };
  }

  private static @Nullable Duration rest(
      Subject subject, Observed<?> observed, Settings settings, Instant now) {
    if (subject.suspend()) {
      return null;
    }
    return Stream.of(
            due(subject, now).map(time -> until(time, now)),
            retry(subject, settings, now).map(time -> until(time, now)),
            Optional.ofNullable(observed.secretsHash())
                .map(_ -> settings.pollOfMissing().multipliedBy(SECRETS_POLL)))
        .flatMap(Optional::stream)
        .min(Duration::compareTo)
        .orElse(null);
  }

  private static Duration until(Instant time, Instant now) {
    var wait = Duration.between(now, time);
    return wait.compareTo(NOW) < 0 ? NOW : wait;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
