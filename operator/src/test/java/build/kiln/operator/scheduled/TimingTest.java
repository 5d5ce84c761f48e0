package build.kiln.operator.scheduled;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When the next run is due. */
class TimingTest {
  private static Optional<Instant> time(@Nullable String text) {
    return text == null ? Optional.empty() : Optional.of(Instant.parse(text));
  }

  @ParameterizedTest(name = "{0}, told {1} at {2}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # told                | now                  | due
                                | 2026-01-01T12:10:00Z | 2026-01-01T13:00:00Z
          2026-01-01T13:00:00Z  | 2026-01-01T12:10:00Z | 2026-01-01T13:00:00Z
          # missed, once or many times: one run
          2026-01-01T12:00:00Z  | 2026-01-01T12:10:00Z | 2026-01-01T12:00:00Z
          2025-12-24T12:00:00Z  | 2026-01-01T12:10:00Z | 2025-12-24T12:00:00Z
          # told by a clock that was ahead
          2030-01-01T13:00:00Z  | 2026-01-01T12:10:00Z | 2026-01-01T13:00:00Z
          """)
  void bySchedule(@Nullable String told, String now, String due) {
    var hourly = Timing.parse("@hourly", null, null);
    assertThat(hourly.due(time(told), Optional.empty(), Instant.parse(now)))
        .contains(Instant.parse(due));
  }

  @ParameterizedTest(name = "started {0}, told {1}, at {2}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # start              | told                 | now                  | due
          2026-01-01T12:00:00Z |                      | 2026-01-01T12:10:00Z | 2026-01-01T13:00:00Z
          2026-01-01T12:00:00Z | 2026-01-01T13:00:00Z | 2026-01-01T12:10:00Z | 2026-01-01T13:00:00Z
          # the run took longer than the interval
          2026-01-01T12:00:00Z |                      | 2026-01-01T14:10:00Z | 2026-01-01T14:10:00Z
          # missed
          2026-01-01T12:00:00Z | 2026-01-01T13:00:00Z | 2026-01-05T00:00:00Z | 2026-01-01T13:00:00Z
          # started by a clock that was ahead
          2030-01-01T12:00:00Z | 2030-01-01T13:00:00Z | 2026-01-01T12:10:00Z | 2026-01-01T13:10:00Z
          # never started
                               |                      | 2026-01-01T12:10:00Z | 2026-01-01T13:10:00Z
          """)
  void byInterval(@Nullable String start, @Nullable String told, String now, String due) {
    var hourly = Timing.parse(null, null, "1h");
    assertThat(hourly.due(time(told), time(start), Instant.parse(now)))
        .contains(Instant.parse(due));
  }

  @Test
  void withoutEitherNeverByItself() {
    var now = Instant.parse("2026-01-01T12:10:00Z");
    assertThat(Timing.NONE.due(Optional.of(now), Optional.of(now), now)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1", "1d", "0s", "10ms"})
  void refusesWhatIsNoInterval(String interval) {
    assertThatThrownBy(() -> Timing.parse(null, null, interval))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("interval");
  }

  @Test
  void refusesBoth() {
    assertThatThrownBy(() -> Timing.parse("@daily", null, "1h"))
        .hasMessageContaining("schedule and interval exclude each other");
  }
}
