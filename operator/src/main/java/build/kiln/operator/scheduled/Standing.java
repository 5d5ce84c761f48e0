package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Times;
import io.fabric8.kubernetes.api.model.Condition;
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
    return newest().flatMap(newest -> Times.parse(newest.startTime()));
  }

  static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
