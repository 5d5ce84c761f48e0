package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.operator.job.Announcement;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What people are told of a build's passes. */
final class Announcements {
  private Announcements() {}

  /** What a pass changed that a person would ask about. */
  static List<Announcement> of(ImageBuild build, Action action, ImageBuildStatus after) {
    var before = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    var run = after.newestRun();
    long number = run.map(Run::number).orElse(0L);
    return switch (action) {
      case Action.Accept accept ->
          Stream.of(
                  Decider.givesUp(accept, before)
                      ? Optional.of(superseded(before, accept.cause().type()))
                      : Optional.<Announcement>empty(),
                  Optional.of(
                      Announcement.normal(
                          "BuildAccepted",
                          "run %d: %s".formatted(number, accept.cause().type()),
                          number)))
              .flatMap(Optional::stream)
              .toList();
      case Action.Reject reject ->
          List.of(
              new Announcement(
                  true,
                  FailureReason.SpecInvalid.name(),
                  reject.message(),
                  "invalid/" + build.getMetadata().getGeneration()));
      case Action.Queue queue ->
          List.of(
              Announcement.normal(
                  "Queued",
                  "run %d waits at place %d".formatted(number, queue.position()),
                  number));
      case Action.Start start -> started(start, run.orElseThrow());
      case Action.Finish finish -> List.of(finished(finish.result(), number));
      case Action.Block block ->
          List.of(Announcement.warning(block.reason().name(), block.message(), number));
      case Action.Watch watch ->
          watch.reading() instanceof Reading.Waiting waiting
              ? waiting.blocker().stream()
                  .map(
                      blocker ->
                          Announcement.warning(blocker.reason().name(), blocker.message(), number))
                  .toList()
              : List.of();
      case Action.Suspend _, Action.Settle _, Action.AwaitRetry _, Action.Rest _ -> List.of();
    };
  }

  private static List<Announcement> started(Action.Start start, Run run) {
    var job = run.platform().map(ImageBuildStatus.PlatformRun::job).orElse("?");
    var started =
        new Announcement(
            false,
            "BuildStarted",
            "run %d starts as Job %s, isolation %s".formatted(run.number(), job, start.tier()),
            "started/%d/%d".formatted(run.number(), start.attempt()));
    return start.note().isEmpty()
        ? List.of(started)
        : List.of(
            new Announcement(
                true,
                "IsolationFallback",
                "run %d gets isolation %s: %s".formatted(run.number(), start.tier(), start.note()),
                "fallback/%d/%d".formatted(run.number(), start.attempt())),
            started);
  }

  private static Announcement finished(Result result, long run) {
    return switch (result) {
      case Result.Success success ->
          Announcement.normal(
              "BuildSucceeded", "run %d pushed %s".formatted(run, success.image()), run);
      case Result.Failure failure ->
          Announcement.warning(
              "BuildFailed",
              "run %d: %s: %s".formatted(run, failure.reason(), failure.message()),
              run);
    };
  }

  private static Announcement superseded(ImageBuildStatus before, String cause) {
    long old = before.newestRun().map(Run::number).orElse(0L);
    return Announcement.normal(
        "Superseded", "run %d gives way to a newer one: %s".formatted(old, cause), old);
  }
}
