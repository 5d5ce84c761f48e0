package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * When a resource runs by itself: by a schedule, by an interval, or not at all.
 *
 * @param interval from the start of a run to that of the next
 */
public record Timing(@Nullable Cron cron, @Nullable Duration interval) {
  /** Not at all. */
  public static final Timing NONE = new Timing(null, null);

  public Timing {
    if (cron != null && interval != null) {
      throw new IllegalArgumentException(
          "schedule and interval exclude each other: remove one of them");
    }
  }

  /**
   * Reads the fields of a spec.
   *
   * @throws IllegalArgumentException with the field's name and what is wrong with it
   */
  public static Timing parse(
      @Nullable String schedule, @Nullable String timeZone, @Nullable String interval) {
    return new Timing(
        schedule == null ? null : Cron.parse(schedule, timeZone),
        interval == null ? null : interval(interval));
  }

  /**
   * What is wrong with the fields of a spec, with their names; empty if nothing is. For the
   * arguments see {@link #parse}.
   */
  public static Optional<String> problem(
      @Nullable String schedule, @Nullable String timeZone, @Nullable String interval) {
    try {
      parse(schedule, timeZone, interval);
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + e.getMessage());
    }
    return timeZone != null && schedule == null
        ? Optional.of("spec.timeZone is the zone of spec.schedule, which is missing")
        : Optional.empty();
  }

  private static Duration interval(String text) {
    Duration interval;
    try {
      interval = Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("interval: " + e.getMessage(), e);
    }
    if (interval.compareTo(Duration.ofSeconds(1)) < 0) {
      throw new IllegalArgumentException("interval %s is shorter than 1s".formatted(text));
    }
    return interval;
  }

  /**
   * When the next run is due, seen from a moment: whatever was missed before is missed.
   *
   * @param start of the newest run, if there was one
   */
  Optional<Instant> next(Optional<Instant> start, Instant now) {
    if (cron != null) {
      return cron.after(now);
    }
    if (interval == null) {
      return Optional.empty();
    }
    // A start in the future is one by a clock that was wrong.
    var last = start.filter(time -> !time.isAfter(now)).orElse(now);
    return Optional.of(later(last.plus(interval), now));
  }

  /**
   * When the next run is due: the time that was told before, which may be past by now, but never
   * later than seen from now. A clock that was ahead has told too late a time.
   *
   * @param told before; empty if it was another timing's
   */
  Optional<Instant> due(Optional<Instant> told, Optional<Instant> start, Instant now) {
    var seenFromNow = next(start, now);
    return seenFromNow.map(time -> told.filter(before -> before.isBefore(time)).orElse(time));
  }

  /** What a run is started by that is due by this timing. */
  Cause cause() {
    return cron == null ? Cause.Interval : Cause.Schedule;
  }

  private static Instant later(Instant one, Instant other) {
    return (one.isAfter(other) ? one : other).truncatedTo(ChronoUnit.SECONDS);
  }
}
