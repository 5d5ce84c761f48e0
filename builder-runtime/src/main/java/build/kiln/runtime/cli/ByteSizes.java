package build.kiln.runtime.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as docker's options take them: 10GB, 512mb, 1.5GiB; every unit is a power of 1024. */
final class ByteSizes {
  private static final String UNITS = "kmgtp";
  private static final Pattern SIZE =
      Pattern.compile("([0-9]{1,15}(?:\\.[0-9]{1,9})?) ?(?:([kmgtp])i?b?|b)?");

  private ByteSizes() {}

  /** In bytes. */
  static long parse(String option, String text) throws CommandFailure {
    Matcher size = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!size.matches()) {
      throw CommandFailure.usage(
          "%s %s: want a size such as 10GB, 512MB or 0".formatted(option, text));
    }
    int power = size.group(2) == null ? 0 : UNITS.indexOf(size.group(2)) + 1;
    BigDecimal bytes = new BigDecimal(size.group(1)).multiply(BigDecimal.valueOf(1L << 10 * power));
    return bytes.min(BigDecimal.valueOf(Long.MAX_VALUE)).longValue();
  }
}
