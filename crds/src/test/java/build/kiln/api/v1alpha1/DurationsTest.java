package build.kiln.api.v1alpha1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {
  @ParameterizedTest
  @CsvSource({"1h,PT1H", "90m,PT1H30M", "1h30m,PT1H30M", "1.5s,PT1.5S", "250ms,PT0.25S", "0s,PT0S"})
  void reads(String text, Duration wanted) {
    assertThat(Durations.parse(text)).isEqualTo(wanted);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "1", "h", "-1h", "1d", "1h 30m", "1e3s", "999999999h999999999h"})
  void refuses(String text) {
    assertThatThrownBy(() -> Durations.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("duration");
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S,0s",
    "PT0.44S,0.4s",
    "PT59.96S,1m0s",
    "PT72.34S,1m12.3s",
    "PT2H5S,2h0m5s",
    "PT-1S,0s"
  })
  void writes(Duration duration, String wanted) {
    assertThat(Durations.format(duration)).isEqualTo(wanted);
  }
}
