package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoDurationTest {

  @ParameterizedTest
  @CsvSource({
    "0, PT0S",
    "+0, PT0S",
    "5s, PT5S",
    "1h30m, PT1H30M",
    "1h1m1s1ms1us1ns, PT1H1M1.001001001S",
    "1.5s, PT1.5S",
    ".5s, PT0.5S",
    "1.s, PT1S",
    "3µs, PT0.000003S",
    "3μs, PT0.000003S",
    "-2s, PT-2S",
    "30m5s5m, PT35M5S",
    "0.1ns, PT0S",
    "2562047h47m16.854775807s, PT2562047H47M16.854775807S",
  })
  void reads(String text, Duration expected) {
    assertThat(GoDuration.parse(text)).contains(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "+",
        "5",
        "s",
        ".s",
        "5 s",
        "5S",
        "5d",
        "1h 5m",
        "s5",
        "0x5s",
        "1e3s",
        "2562047h47m16.854775808s",
        "99999999999999999999999999999h",
        "--5s",
      })
  void refuses(String text) {
    assertThat(GoDuration.parse(text)).isEmpty();
  }
}
