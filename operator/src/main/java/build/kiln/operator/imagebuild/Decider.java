package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Wish;
import build.kiln.operator.settings.Settings;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Decides what a pass does. Pure: all that it knows are its arguments. */
final class Decider {
  /** The next thing is to be done at once, by a pass of its own, after the status is written. */
  private static final Duration NOW = Duration.ofMillis(1);

  /** ConfigMaps are not watched, so another value of a build argument is seen so late. */
  private static final Duration ARGUMENTS_POLL = Duration.ofMinutes(1);

  private static final Duration LONGEST_QUEUE_POLL = Duration.ofSeconds(30);

  private Decider() {}

  /**
   * Decides.
   *
   * @param build the resource with the status that was written last
   */
  static Decision decide(ImageBuild build, Observed observed, Settings settings, Instant now) {
    var status = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    var action = action(build, status, observed, settings, now);
    var kept = History.of(build.getSpec(), status, observed.attempts(), givesUp(action, status));
    return new Decision(action, kept.delete(), kept.seal(), recheck(action, build, settings, now));
  }

  private static Action action(
      ImageBuild build,
      ImageBuildStatus status,
      Observed observed,
      Settings settings,
      Instant now) {
    var problem = Validation.problem(build);
    if (problem.isPresent()) {
      return new Action.Reject(problem.get());
    }
    var newest = status.newestRun();
    if (newest.isPresent() && !newest.get().phase().finished()) {
      return underWay(build, newest.get(), status, observed);
    }
    var cause = due(build, status, observed.arguments());
    if (cause.isPresent()) {
      return build.getSpec().suspend() ? new Action.Suspend() : new Action.Accept(cause.get());
    }
    var retry = newest.flatMap(run -> Retries.next(run, settings));
    if (retry.isEmpty() || build.getSpec().suspend()) {
      return new Action.Rest();
    }
    return now.isBefore(retry.get())
        ? new Action.AwaitRetry(retry.get())
        : new Action.Accept(Retries.cause(newest.orElseThrow()));
  }

  /**
   * What starts a run, if something does.
   *
   * @param arguments see {@link Observed#arguments()}
   */
  static Optional<Cause> due(
      ImageBuild build, ImageBuildStatus status, Map<String, String> arguments) {
    var spec = build.getSpec();
    var inputs = Inputs.inputsHash(spec, arguments);
    var newest = status.newestRun();
    if (newest.isEmpty()) {
      return Optional.of(new Cause("Created", null, null));
    }
    if (!Inputs.sameSpec(status.inputsHash(), inputs) || gaveWay(newest.get())) {
      return Optional.of(new Cause("SpecChanged", status.inputsHash(), inputs));
    }
    if (Inputs.hasArguments(inputs) && !inputs.equals(status.inputsHash())) {
      return Optional.of(new Cause("ArgumentChanged", status.inputsHash(), inputs));
    }
    var wish = Wish.of(build, ImageBuild.REBUILD_ANNOTATION);
    if (wish != null && !wish.equals(status.lastHandledRebuild())) {
      return Optional.of(new Cause("Rebuild", status.lastHandledRebuild(), wish));
    }
    return newest.get().phase() == Phase.Failed ? podChanged(spec, newest.get()) : Optional.empty();
  }

  /** Whether a run was given up and none followed, since the spec was invalid in between. */
  private static boolean gaveWay(Run run) {
    return run.failure() != null && run.failure().reason() == FailureReason.Superseded;
  }

  /** A new shape of the pod is how OutOfMemory, DiskFull and Unschedulable are mended. */
  private static Optional<Cause> podChanged(ImageBuildSpec spec, Run run) {
    var pod = Inputs.podHash(spec);
    return pod.equals(run.podHash())
        ? Optional.empty()
        : Optional.of(new Cause("PodChanged", run.podHash(), pod));
  }

  private static Action underWay(
      ImageBuild build, Run run, ImageBuildStatus status, Observed observed) {
    var spec = build.getSpec();
    var inputs = Inputs.inputsHash(spec, observed.arguments());
    if (!spec.suspend()) {
      // Arguments that changed meanwhile are the next run's, or this one's if it has not begun.
      if (!Inputs.sameSpec(run.inputsHash(), inputs)) {
        return new Action.Accept(new Cause("SpecChanged", run.inputsHash(), inputs));
      }
      var podChanged = podChanged(spec, run);
      if (podChanged.isPresent() && stuck(status, observed)) {
        return new Action.Accept(podChanged.get());
      }
    }
    if (observed.reading() != null) {
      return read(spec, observed, observed.reading());
    }
    var job = run.platform().map(ImageBuildStatus.PlatformRun::job);
    if (job.isPresent()) {
      return new Action.Finish(
          new Result.Failure(
              FailureReason.Infrastructure,
              "Job %s was deleted before its result was read".formatted(job.get())));
    }
    return spec.suspend() ? new Action.Suspend() : start(1, observed);
  }

  /** Whether the run does not get on as things are. */
  private static boolean stuck(ImageBuildStatus status, Observed observed) {
    return observed.reading() instanceof Reading.Waiting waiting && waiting.blocker().isPresent()
        || observed.reading() == null
            && status
                .condition(Conditions.READY)
                .filter(ready -> "False".equals(ready.getStatus()))
                .isPresent();
  }

  private static Action read(ImageBuildSpec spec, Observed observed, Reading reading) {
    return switch (reading) {
      case Reading.Waiting waiting -> new Action.Watch(waiting);
      case Reading.Running running -> new Action.Watch(running);
      case Reading.Ended ended -> new Action.Finish(ended.result());
      case Reading.SandboxFailed failed -> {
        if (spec.isolation() != Isolation.Auto) {
          yield new Action.Finish(
              new Result.Failure(
                  FailureReason.IsolationUnavailable,
                  "isolation %s cannot be had here: %s. Choose another spec.isolation, or nodes that allow it with podTemplate.nodeSelector"
                      .formatted(spec.isolation(), failed.message())));
        }
        yield start(observed.attempts().getFirst().number() + 1, observed);
      }
    };
  }

  private static Action start(int attempt, Observed observed) {
    return switch (Objects.requireNonNull(observed.readiness(), "readiness was not observed")) {
      case Readiness.Missing missing -> new Action.Block(missing.reason(), missing.message());
      case Readiness.OldPodRuns old -> new Action.Settle(old.pod());
      case Readiness.Queued queued -> new Action.Queue(queued.position());
      case Readiness.NoTierLeft none ->
          new Action.Finish(new Result.Failure(FailureReason.IsolationUnavailable, none.message()));
      case Readiness.Go go ->
          new Action.Start(attempt, go.tier(), go.note(), go.secrets(), observed.arguments());
    };
  }

  /** Whether the newest run, still under way, ends by this action without a result. */
  static boolean givesUp(Action action, ImageBuildStatus status) {
    boolean under = status.newestRun().filter(run -> !run.phase().finished()).isPresent();
    return under
        && switch (action) {
          case Action.Reject _, Action.Accept _ -> true;
          case Action.Suspend _,
              Action.Block _,
              Action.Queue _,
              Action.Settle _,
              Action.Start _,
              Action.Watch _,
              Action.Finish _,
              Action.AwaitRetry _,
              Action.Rest _ ->
              false;
        };
  }

  private static @Nullable Duration recheck(
      Action action, ImageBuild build, Settings settings, Instant now) {
    return switch (action) {
      case Action.Accept _, Action.Finish _ -> NOW;
      case Action.Start _ -> settings.pollOfProgress();
      case Action.Watch watch ->
          watch.reading() instanceof Reading.Running
              ? settings.pollOfProgress()
              : min(settings.pollOfMissing(), settings.startGrace());
      case Action.Block _ -> settings.pollOfMissing();
      case Action.Settle _ -> Duration.ofSeconds(2);
      case Action.Queue queue -> min(Duration.ofSeconds(5L * queue.position()), LONGEST_QUEUE_POLL);
      case Action.AwaitRetry retry -> max(Duration.between(now, retry.at()), NOW);
      case Action.Rest _ -> Arguments.areElsewhere(build) ? ARGUMENTS_POLL : null;
      case Action.Reject _, Action.Suspend _ -> null;
    };
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  private static Duration max(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }
}
