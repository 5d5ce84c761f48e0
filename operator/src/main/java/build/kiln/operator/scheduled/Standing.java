package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.ScheduledRun;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The part of a status that all kinds have which run on a schedule.
 *
 * @param lastHandled the wish for a run that was granted last, see {@link Subject#wish}
 * @param next when the next run is due by schedule or interval, RFC 3339
 * @param run the newest one
 */
public record Standing(
    @Nullable Long observedGeneration,
    @Nullable String lastHandled,
    @Nullable String next,
    @Nullable ScheduledRun run,
    @Nullable List<Condition> conditions) {
  /** Of a resource that was never looked at. */
  public static final Standing NONE = new Standing(null, null, null, null, null);

  /** Whether the newest run is not finished. */
  boolean underWay() {
    return run != null && !run.finished();
  }

  Optional<ScheduledRun> newest() {
    return Optional.ofNullable(run);
  }

  /** When the newest run was accepted. */
  Optional<Instant> start() {
    return newest().flatMap(newest -> time(newest.startTime()));
  }

  /** A time of a status, which may have been written by anyone. */
  public static Optional<Instant> time(@Nullable String text) {
    try {
      return text == null ? Optional.empty() : Optional.of(Instant.parse(text));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
