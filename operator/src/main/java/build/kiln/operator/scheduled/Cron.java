package build.kiln.operator.scheduled;

import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A schedule as Kubernetes' CronJob writes it: five fields (minute, hour, day of month, month, day
 * of week; names of months and days, lists, ranges, steps; 0 and 7 are Sunday; if both days are
 * given, either will do), or a name such as {@code @daily}. A time that daylight saving skips does
 * not come on that day; one that it repeats comes once.
 */
public final class Cron {
  private static final Map<String, String> NAMES =
      Map.of(
          "@hourly", "0 * * * *",
          "@daily", "0 0 * * *",
          "@midnight", "0 0 * * *",
          "@weekly", "0 0 * * 0",
          "@monthly", "0 0 1 * *",
          "@yearly", "0 0 1 1 *",
          "@annually", "0 0 1 1 *");

  private static final CronParser PARSER =
      new CronParser(
          CronDefinitionBuilder.defineCron()
              .withMinutes()
              .withStrictRange()
              .and()
              .withHours()
              .withStrictRange()
              .and()
              .withDayOfMonth()
              .withStrictRange()
              .and()
              .withMonth()
              .withStrictRange()
              .and()
              .withDayOfWeek()
              .withValidRange(0, 7)
              .withMondayDoWValue(1)
              .withIntMapping(7, 0)
              .withStrictRange()
              .and()
              .instance());

  private static final int REMEMBERED = 500;

  /** Schedules that were read of late: reading one takes a millisecond, and each pass reads one. */
  private static final Map<Written, Cron> KNOWN =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Written, Cron> eldest) {
              return size() > REMEMBERED;
            }
          });

  private record Written(String schedule, @Nullable String timeZone) {}

  private final ExecutionTime times;
  private final ZoneId zone;

  private Cron(ExecutionTime times, ZoneId zone) {
    this.times = times;
    this.zone = zone;
  }

  /**
   * Reads a schedule.
   *
   * @param timeZone a name such as Europe/Zurich; null for UTC
   * @throws IllegalArgumentException with the field's name and what is wrong with it
   */
  public static Cron parse(String schedule, @Nullable String timeZone) {
    var written = new Written(schedule, timeZone);
    var known = KNOWN.get(written);
    if (known != null) {
      return known;
    }
    var cron = read(schedule, zone(timeZone));
    KNOWN.put(written, cron);
    return cron;
  }

  private static Cron read(String schedule, ZoneId zone) {
    ExecutionTime times;
    try {
      times = ExecutionTime.forCron(PARSER.parse(fields(schedule)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "schedule \"%s\" is none: %s. Write five fields such as \"30 2 * * *\" or \"*/15 8-18 * * mon-fri\", or a name such as @daily"
              .formatted(schedule, e.getMessage()),
          e);
    }
    var cron = new Cron(times, zone);
    if (cron.after(Instant.EPOCH).isEmpty()) {
      throw new IllegalArgumentException(
          "schedule \"%s\" names a day that never comes".formatted(schedule));
    }
    return cron;
  }

  /** The next time after another one. */
  public Optional<Instant> after(Instant time) {
    return times.nextExecution(time.atZone(zone)).map(next -> next.toInstant());
  }

  private static ZoneId zone(@Nullable String timeZone) {
    try {
      return ZoneId.of(timeZone == null ? "UTC" : timeZone);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "timeZone \"%s\" is not known: write a name such as Europe/Zurich or UTC"
              .formatted(timeZone),
          e);
    }
  }

  /** In five fields; a question mark is a star, as in Kubernetes. */
  private static String fields(String schedule) {
    var text = schedule.strip();
    return Arrays.stream(NAMES.getOrDefault(text, text).split(" +"))
        .map(field -> field.equals("?") ? "*" : field.toUpperCase(Locale.ROOT))
        .collect(Collectors.joining(" "));
  }
}
