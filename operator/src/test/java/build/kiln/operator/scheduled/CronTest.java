package build.kiln.operator.scheduled;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Schedules as Kubernetes' CronJob writes them. */
class CronTest {
  private static Instant after(String schedule, @Nullable String zone, String time) {
    return Cron.parse(schedule, zone).after(Instant.parse(time)).orElseThrow();
  }

  @ParameterizedTest(name = "{0} after {1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          30 2 * * *         | 2026-01-01T00:00:00Z | 2026-01-01T02:30:00Z
          30 2 * * *         | 2026-01-01T02:29:59Z | 2026-01-01T02:30:00Z
          30 2 * * *         | 2026-01-01T02:30:00Z | 2026-01-02T02:30:00Z
          */15 * * * *       | 2026-01-01T00:07:12Z | 2026-01-01T00:15:00Z
          5-59/20 * * * *    | 2026-01-01T00:26:00Z | 2026-01-01T00:45:00Z
          0 8-18/2 * * *     | 2026-01-01T08:30:00Z | 2026-01-01T10:00:00Z
          0 0 1,15 * *       | 2026-01-02T00:00:00Z | 2026-01-15T00:00:00Z
          0 0 1 jan *        | 2026-01-02T00:00:00Z | 2027-01-01T00:00:00Z
          0 0 1 JAN-MAR *    | 2026-01-02T00:00:00Z | 2026-02-01T00:00:00Z
          0 9 * * mon-fri    | 2026-01-02T10:00:00Z | 2026-01-05T09:00:00Z
          0 9 * * 1-5        | 2026-01-02T10:00:00Z | 2026-01-05T09:00:00Z
          0 9 * * 0          | 2026-01-01T00:00:00Z | 2026-01-04T09:00:00Z
          0 9 * * 7          | 2026-01-01T00:00:00Z | 2026-01-04T09:00:00Z
          0 9 * * sun        | 2026-01-01T00:00:00Z | 2026-01-04T09:00:00Z
          # Either of the two days will do, if both are given.
          0 0 13 * fri       | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00Z
          0 0 13 * fri       | 2026-01-09T00:00:00Z | 2026-01-13T00:00:00Z
          0 0 ? * 2          | 2026-01-01T00:00:00Z | 2026-01-06T00:00:00Z
          0 0 29 2 *         | 2026-01-01T00:00:00Z | 2028-02-29T00:00:00Z
          @hourly            | 2026-01-01T00:00:01Z | 2026-01-01T01:00:00Z
          @daily             | 2026-01-01T00:00:01Z | 2026-01-02T00:00:00Z
          @weekly            | 2026-01-01T00:00:01Z | 2026-01-04T00:00:00Z
          @monthly           | 2026-01-01T00:00:01Z | 2026-02-01T00:00:00Z
          @yearly            | 2026-01-01T00:00:01Z | 2027-01-01T00:00:00Z
          """)
  void comes(String schedule, String after, String next) {
    assertThat(after(schedule, null, after)).isEqualTo(next);
  }

  /**
   * In Zurich clocks went from 2:00 to 3:00 on March 29, and go from 3:00 to 2:00 on October 25.
   */
  @ParameterizedTest(name = "{0} after {1}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          30 2 * * *  | 2026-01-01T12:00:00Z | 2026-01-02T01:30:00Z
          30 2 * * *  | 2026-07-01T12:00:00Z | 2026-07-02T00:30:00Z
          # Skipped by the clock: not on that day.
          30 2 * * *  | 2026-03-28T12:00:00Z | 2026-03-30T00:30:00Z
          0 3 * * *   | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z
          */30 * * * * | 2026-03-29T00:45:00Z | 2026-03-29T01:00:00Z
          # Repeated by the clock: once.
          30 2 * * *  | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z
          30 2 * * *  | 2026-10-25T00:30:00Z | 2026-10-26T01:30:00Z
          """)
  void comesInItsZone(String schedule, String after, String next) {
    assertThat(after(schedule, "Europe/Zurich", after)).isEqualTo(next);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 32 * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "a * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "@often",
        "0 0 31 2 *",
        "0 0 30 feb *",
        "0 0 L * *",
        "0 0 * * 1#2"
      })
  void refusesWhatIsNoSchedule(String schedule) {
    assertThatThrownBy(() -> Cron.parse(schedule, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("schedule \"" + schedule + "\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Europe/Zurch", "here", "", "+25:00"})
  void refusesWhatIsNoZone(String zone) {
    assertThatThrownBy(() -> Cron.parse("@daily", zone))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("timeZone \"" + zone + "\"");
  }
}
