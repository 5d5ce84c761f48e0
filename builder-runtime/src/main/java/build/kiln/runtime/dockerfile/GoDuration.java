package build.kiln.runtime.dockerfile;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go writes them: {@code 1h30m}, {@code 1.5s}, {@code 500ms}, {@code 0}. */
final class GoDuration {
  private static final Pattern PART =
      Pattern.compile("([0-9]{0,40})(?:\\.([0-9]{0,40}))?(ns|us|\u00b5s|\u03bcs|ms|s|m|h)");
  private static final Map<String, Long> NANOSECONDS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "\u00b5s", 1_000L,
          "\u03bcs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);

  /** Empty if it is no duration, or does not fit 64 bits of nanoseconds. */
  static Optional<Duration> parse(String text) {
    boolean negative = text.startsWith("-");
    String rest = negative || text.startsWith("+") ? text.substring(1) : text;
    if (rest.equals("0")) {
      return Optional.of(Duration.ZERO);
    }
    BigDecimal total = BigDecimal.ZERO;
    Matcher part = PART.matcher(rest);
    int position = 0;
    while (position < rest.length()) {
      if (!part.find(position) || part.start() != position) {
        return Optional.empty();
      }
      String fraction = part.group(2) == null ? "" : part.group(2);
      if (part.group(1).isEmpty() && fraction.isEmpty()) {
        return Optional.empty();
      }
      Long unit = NANOSECONDS.get(part.group(3));
      total =
          total.add(
              new BigDecimal("0" + part.group(1) + "." + fraction + "0")
                  .multiply(BigDecimal.valueOf(unit == null ? 0 : unit)));
      position = part.end();
    }
    if (rest.isEmpty() || total.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0) {
      return Optional.empty();
    }
    long nanos = total.setScale(0, RoundingMode.DOWN).longValue();
    return Optional.of(Duration.ofNanos(negative ? -nanos : nanos));
  }

  private GoDuration() {}
}
