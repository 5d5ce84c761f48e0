package build.kiln.api.v1alpha1;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Durations as Kubernetes people write them (Go's form): {@code 1h30m}, {@code 1m12.3s}, {@code
 * 500ms}.
 */
public final class Durations {
  private static final Pattern WHOLE =
      Pattern.compile("(?:[0-9]{1,9}(?:\\.[0-9]{1,9})?(?:h|ms|m|s))+");
  private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(h|ms|m|s)");
  private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE);

  private Durations() {}

  /**
   * Reads a duration.
   *
   * @throws IllegalArgumentException if it is none
   */
  public static Duration parse(String text) {
    if (!WHOLE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "not a duration: \"" + text + "\"; write it as 90s, 10m or 1h30m");
    }
    BigDecimal nanos = BigDecimal.ZERO;
    Matcher part = PART.matcher(text);
    while (part.find()) {
      nanos =
          nanos.add(
              new BigDecimal(part.group(1)).multiply(BigDecimal.valueOf(nanos(part.group(2)))));
    }
    if (nanos.compareTo(MOST) > 0) {
      throw new IllegalArgumentException("a duration that is too long: \"" + text + "\"");
    }
    return Duration.ofNanos(nanos.setScale(0, RoundingMode.DOWN).longValueExact());
  }

  private static long nanos(String unit) {
    return switch (unit) {
      case "h" -> 3_600_000_000_000L;
      case "m" -> 60_000_000_000L;
      case "s" -> 1_000_000_000L;
      case "ms" -> 1_000_000L;
      default -> throw new IllegalArgumentException("not a unit of time: " + unit);
    };
  }

  /** Writes a duration with a tenth of a second: {@code 0.4s}, {@code 1m12.3s}, {@code 2h0m5s}. */
  public static String format(Duration duration) {
    long tenths = Math.max(0, (duration.toMillis() + 50) / 100);
    long hours = tenths / 36_000;
    long minutes = tenths / 600 % 60;
    long seconds = tenths / 10 % 60;
    StringBuilder text = new StringBuilder();
    if (hours > 0) {
      text.append(hours).append('h');
    }
    if (hours > 0 || minutes > 0) {
      text.append(minutes).append('m');
    }
    text.append(seconds);
    if (tenths % 10 != 0) {
      text.append('.').append(tenths % 10);
    }
    return text.append('s').toString();
  }
}
