package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.v1alpha1.StatusSize;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Conditions.Now;
import build.kiln.operator.job.Conditions.Value;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.Wish;
import build.kiln.operator.settings.Settings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The status after a pass. Pure: from the status before, what was seen, and what was decided. */
final class NextStatus {
  /** Why a run failed that ended in a way which only another release knows. */
  private static final Failure UNTOLD =
      new Failure(null, null, null, "the run ended in a way that this release does not know", null);

  private static final Now SUSPENDED =
      new Now(
          Value.Unknown,
          Conditions.SUSPENDED,
          "a run is due; it starts when spec.suspend is false",
          false,
          false);

  private final ImageBuild build;
  private final ImageBuildStatus before;
  private final Observed observed;
  private final Settings settings;
  private final Instant now;

  private NextStatus(ImageBuild build, Observed observed, Settings settings, Instant now) {
    this.build = build;
    this.before = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    this.observed = observed;
    this.settings = settings;
    this.now = now;
  }

  static ImageBuildStatus of(
      ImageBuild build, Observed observed, Action action, Settings settings, Instant now) {
    return StatusSize.fit(new NextStatus(build, observed, settings, now).after(action));
  }

  /** The status when passes fail again and again: it tells why, and keeps all else. */
  static ImageBuildStatus erring(ImageBuild build, String error, Instant now) {
    var before = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    return StatusSize.fit(
        new ImageBuildStatus(
            before.observedGeneration(),
            before.image(),
            before.inputsHash(),
            before.lastHandledRebuild(),
            before.queuePosition(),
            before.step(),
            before.runs(),
            Conditions.of(
                before.conditions(),
                build.getMetadata().getGeneration(),
                now,
                progressing(
                    Conditions.RECONCILE_FAILED,
                    "this fails and is tried again with growing waits: " + error))));
  }

  private ImageBuildStatus after(Action action) {
    var told = without(action);
    return new ImageBuildStatus(
        told.observedGeneration(),
        told.image(),
        told.inputsHash(),
        told.lastHandledRebuild(),
        told.queuePosition(),
        told.step(),
        told.runs(),
        Conditions.of(
            before.conditions(),
            build.getMetadata().getGeneration(),
            now,
            conditions(action, told)));
  }

  /** All but the conditions, which speak of the rest. */
  private ImageBuildStatus without(Action action) {
    var runs = runs(action);
    var newest = runs.stream().findFirst();
    boolean accepts = action instanceof Action.Accept;
    return new ImageBuildStatus(
        build.getMetadata().getGeneration(),
        action instanceof Action.Finish(Result.Success success) ? success.image() : before.image(),
        inputsHash(action),
        accepts || absorbs(action) ? rebuild() : before.lastHandledRebuild(),
        action instanceof Action.Queue queue ? Integer.valueOf(queue.position()) : null,
        newest.map(Run::progress).map(NextStatus::step).orElse(null),
        runs.isEmpty() ? null : runs,
        null);
  }

  /** Arguments may be known only when the Job is made. */
  private @Nullable String inputsHash(Action action) {
    return switch (action) {
      case Action.Accept _ -> Inputs.inputsHash(build.getSpec(), observed.arguments());
      case Action.Start start -> Inputs.inputsHash(build.getSpec(), start.arguments());
      case Action.Reject _,
          Action.Suspend _,
          Action.Block _,
          Action.Queue _,
          Action.Settle _,
          Action.Watch _,
          Action.Finish _,
          Action.AwaitRetry _,
          Action.Rest _ ->
          before.inputsHash();
    };
  }

  private @Nullable String rebuild() {
    var wish = Wish.of(build, ImageBuild.REBUILD_ANNOTATION);
    return wish == null ? before.lastHandledRebuild() : wish;
  }

  /** A run that gets its Job only now sees all that the wish for a rebuild is about. */
  private static boolean absorbs(Action action) {
    return action instanceof Action.Start start && start.attempt() == 1;
  }

  private static String step(Progress progress) {
    return progress.step() + "/" + progress.of();
  }

  private List<Run> runs(Action action) {
    var runs =
        switch (action) {
          case Action.Accept accept -> accepted(accept.cause());
          case Action.Reject reject ->
              Decider.givesUp(reject, before)
                  ? edited(run -> RunEdit.superseded(run, "the spec became invalid", now))
                  : before.allRuns();
          case Action.Start start ->
              edited(
                  run ->
                      RunEdit.started(
                          run,
                          Inputs.inputsHash(build.getSpec(), start.arguments()),
                          Names.job(
                              build.getMetadata().getName(),
                              build.getMetadata().getUid(),
                              run.number(),
                              start.attempt()),
                          build.getSpec().isolation(),
                          start.note()));
          case Action.Watch watch ->
              edited(
                  run ->
                      RunEdit.watched(
                          run,
                          observed.attempts().getFirst().name(),
                          requested(),
                          watch.reading() instanceof Reading.Running,
                          observed.progress()));
          case Action.Finish finish ->
              edited(
                  run -> RunEdit.ended(run, finish.result(), observed.report(), requested(), now));
          case Action.Suspend _,
              Action.Block _,
              Action.Queue _,
              Action.Settle _,
              Action.AwaitRetry _,
              Action.Rest _ ->
              before.allRuns();
        };
    return History.runs(build.getSpec(), runs, true);
  }

  private Isolation requested() {
    return build.getSpec().isolation();
  }

  private List<Run> edited(UnaryOperator<Run> edit) {
    var all = before.allRuns();
    return Stream.concat(Stream.of(edit.apply(all.getFirst())), all.stream().skip(1)).toList();
  }

  private List<Run> accepted(Cause cause) {
    var spec = build.getSpec();
    long last =
        Stream.concat(
                before.allRuns().stream().map(Run::number),
                observed.attempts().stream().map(Attempt::run))
            .max(Long::compare)
            .orElse(0L);
    List<Run> runs = new ArrayList<>();
    runs.add(
        new Run(
            last + 1,
            cause,
            Inputs.inputsHash(spec, observed.arguments()),
            Inputs.podHash(spec),
            null,
            Phase.Pending,
            RunEdit.time(now),
            null,
            null,
            null,
            null,
            null));
    for (var run : before.allRuns()) {
      runs.add(
          RunEdit.aged(
              run.phase().finished()
                  ? run
                  : RunEdit.superseded(
                      run, "run %d took its place: %s".formatted(last + 1, cause.type()), now)));
    }
    return runs;
  }

  private Now conditions(Action action, ImageBuildStatus told) {
    var newest = told.newestRun();
    return switch (action) {
      case Action.Reject reject ->
          new Now(Value.False, FailureReason.SpecInvalid.name(), reject.message(), false, true);
      case Action.Accept accept -> progressing("Pending", accepted(accept, newest.orElseThrow()));
      case Action.Suspend _ -> SUSPENDED;
      case Action.Block block -> blocked(block.reason(), block.message());
      case Action.Queue queue ->
          progressing("Queued", "waits for its turn, at place " + queue.position());
      case Action.Settle settle ->
          progressing(
              "Pending", "waits for pod %s of an earlier run to end".formatted(settle.pod()));
      case Action.Start start ->
          progressing("Starting", "isolation %s: a builder starts".formatted(start.tier()));
      case Action.Watch watch -> watched(watch.reading(), newest.orElseThrow());
      case Action.Finish _ ->
          Decider.due(build, told, observed.arguments())
              .map(this::due)
              .orElseGet(() -> rested(newest));
      case Action.AwaitRetry _, Action.Rest _ -> rested(newest);
    };
  }

  /** The image of a run that ended is not what is asked for by now. */
  private Now due(Cause cause) {
    return build.getSpec().suspend()
        ? SUSPENDED
        : progressing("Pending", "another run is due: " + cause.type());
  }

  private static String accepted(Action.Accept accept, Run run) {
    return "run %d is accepted: %s".formatted(run.number(), accept.cause().type());
  }

  private static Now progressing(String reason, String message) {
    return new Now(Value.Unknown, reason, message, true, false);
  }

  private static Now blocked(FailureReason reason, String message) {
    return new Now(Value.False, reason.name(), message, true, false);
  }

  private static Now watched(Reading reading, Run run) {
    if (reading instanceof Reading.Waiting waiting) {
      return waiting
          .blocker()
          .map(blocker -> blocked(blocker.reason(), blocker.message()))
          .orElseGet(() -> progressing("Starting", "a builder starts"));
    }
    var progress = run.progress();
    return progressing(
        "Building",
        progress == null
            ? "the builder runs"
            : "step %s %s".formatted(step(progress), text(progress.instruction())));
  }

  /** How things are when the newest run, if there is one, is finished. */
  private Now rested(Optional<Run> newest) {
    if (newest.isEmpty()) {
      return progressing("Pending", "no run yet");
    }
    var run = newest.get();
    if (run.phase() == Phase.Succeeded) {
      return new Now(Value.True, "Succeeded", "pushed " + text(imageOf(run)), false, false);
    }
    var failure = requireNonNullElse(run.failure(), UNTOLD);
    var retry = build.getSpec().suspend() ? Optional.<Instant>empty() : Retries.next(run, settings);
    return new Now(
        Value.False,
        failure.reason() == null ? "Unknown" : failure.reason().name(),
        text(failure.message())
            + retry.map(at -> "; the next run is due at " + RunEdit.time(at)).orElse(""),
        retry.isPresent(),
        retry.isEmpty());
  }

  private @Nullable String imageOf(Run run) {
    var digest = run.platform().map(ImageBuildStatus.PlatformRun::digest).orElse(null);
    return digest == null ? before.image() : build.getSpec().output().image() + "@" + digest;
  }

  private static String text(@Nullable String text) {
    return text == null ? "" : text;
  }
}
