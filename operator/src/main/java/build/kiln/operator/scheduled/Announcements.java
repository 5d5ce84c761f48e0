package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Announcement;
import java.util.List;
import java.util.stream.Stream;

/** What people are told of passes: one event for each thing that happens once. */
final class Announcements {
  private Announcements() {}

  /**
   * What a pass changed that a person would ask about.
   *
   * @param after the standing after the pass
   */
  static List<Announcement> of(Words words, Subject subject, Action action, Standing after) {
    long number = after.newest().map(ScheduledRun::number).orElse(0L);
    return switch (action) {
      case Action.Accept accept ->
          Stream.concat(
                  superseded(accept, subject.before()).stream(),
                  Stream.of(
                      Announcement.normal(
                          words.event() + "Accepted",
                          "run %d: %s".formatted(number, accept.cause()),
                          number)))
              .toList();
      case Action.Reject reject ->
          List.of(
              new Announcement(
                  true,
                  FailureReason.SpecInvalid.name(),
                  reject.message(),
                  "invalid/" + subject.generation()));
      case Action.Queue queue ->
          List.of(
              Announcement.normal(
                  "Queued",
                  "run %d waits at place %d".formatted(number, queue.position()),
                  number));
      case Action.Start _ ->
          List.of(
              Announcement.normal(
                  words.event() + "Started",
                  "run %d starts as Job %s"
                      .formatted(number, after.newest().map(ScheduledRun::job).orElse("?")),
                  number));
      case Action.Finish finish ->
          Stream.concat(
                  Stream.of(finished(words, finish.result(), number)),
                  finish.result().warnings().stream()
                      .map(w -> Announcement.warning(w.reason(), w.message(), number)))
              .toList();
      case Action.Block block ->
          List.of(Announcement.warning(block.reason().name(), block.message(), number));
      case Action.Watch watch -> watched(watch.reading(), number);
      case Action.Suspend _, Action.Settle _, Action.Rest _ -> List.of();
    };
  }

  private static List<Announcement> superseded(Action.Accept accept, Standing before) {
    return Decider.givesUp(accept, before)
        ? List.of(
            Announcement.normal(
                "Superseded",
                "run %d gives way to a newer one: %s"
                    .formatted(
                        before.newest().map(ScheduledRun::number).orElse(0L), accept.cause()),
                before.newest().map(ScheduledRun::number).orElse(0L)))
        : List.of();
  }

  private static List<Announcement> watched(Reading reading, long number) {
    return reading instanceof Reading.Waiting waiting
        ? waiting.blocker().stream()
            .map(
                blocker -> Announcement.warning(blocker.reason().name(), blocker.message(), number))
            .toList()
        : List.of();
  }

  private static Announcement finished(Words words, RunResult result, long number) {
    return result.succeeded()
        ? Announcement.normal(
            words.event() + "Succeeded", "run %d: %s".formatted(number, result.message()), number)
        : Announcement.warning(
            words.event() + "Failed",
            "run %d: %s: %s".formatted(number, result.reason(), result.message()),
            number);
  }
}
