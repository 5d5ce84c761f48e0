package build.kiln.runtime.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampsTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-28T06:40:00Z",
        "2026-11-28T06:40:00.1Z",
        "2026-11-28T06:40:00.123456789Z",
        "2026-11-28T06:40:00.000000001Z",
        "2026-11-28T06:40:00.999999999Z",
        "0001-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "1969-12-31T23:59:59.5Z",
        "2024-02-29T23:59:59Z",
        "9999-12-31T23:59:59Z",
        "2026-11-28T06:40:00+01:00",
        "2026-11-28T06:40:00.5-11:30",
        "2026-11-28T06:40:00.Z",
        "2026-11-28T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-11-28t06:40:00z",
        "+12026-11-28T06:40:00Z",
        "-0001-11-28T06:40:00Z"
      })
  void timesAreReadAsTheJdkReadsThem(String text) {
    assertThat(Timestamps.parse(text)).isEqualTo(Instant.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Z",
        "2026-11-28",
        "2026-11-28T06:40:00",
        "2026-11-28 06:40:00Z",
        "2026-11-28T06:40:00.1234567890Z",
        "2026-11-28T06:40:00,5Z",
        "2026-13-28T06:40:00Z",
        "2026-02-29T06:40:00Z",
        "2026-11-28T25:40:00Z",
        "2026-11-28T06:60:00Z",
        "2026-11-28T06:40:61Z",
        "2026-11-28T06:40:0xZ",
        "2026/11/28T06:40:00Z",
        "26-11-28T06:40:00Z"
      })
  void whatIsNoTimeIsNone(String text) {
    assertThatThrownBy(() -> Instant.parse(text)).isInstanceOf(DateTimeException.class);
    assertThatThrownBy(() -> Timestamps.parse(text)).isInstanceOf(DateTimeException.class);
  }

  @Test
  void anyTimeIsWrittenAsTheJdkWritesItAndReadAgain() {
    var random = new Random(1);
    int[] nanos = {0, 1, 1000, 1_000_000, 999_999_999, 500_000_000, 120_000, 7_000};
    for (int i = 0; i < 20_000; i++) {
      long seconds = random.nextLong(-70_000_000_000L, 400_000_000_000L);
      int nano = i % 2 == 0 ? nanos[random.nextInt(nanos.length)] : random.nextInt(1_000_000_000);
      Instant time = Instant.ofEpochSecond(seconds, nano);
      assertThat(Timestamps.format(time)).isEqualTo(time.toString());
      assertThat(Timestamps.parse(time.toString())).isEqualTo(time);
    }
    assertThat(Timestamps.format(Instant.MAX)).isEqualTo(Instant.MAX.toString());
    assertThat(Timestamps.format(Instant.MIN)).isEqualTo(Instant.MIN.toString());
  }
}
