package build.kiln.runtime.cli.progress;

/**
 * Numbers with a point. The first use of {@link String#format} costs a process that lives for a
 * second several milliseconds, most of them for the separators of locales.
 */
public final class Decimals {
  private static final int TEN = 10;

  private Decimals() {}

  /**
   * A number in decimals.
   *
   * @param value 0 or more, in units of the last decimal
   */
  public static String of(long value, int decimals) {
    if (decimals == 0) {
      return Long.toString(value);
    }
    String digits = "0".repeat(decimals) + value;
    int point = digits.length() - decimals;
    return Long.parseLong(digits.substring(0, point)) + "." + digits.substring(point);
  }

  /**
   * A number rounded to so many decimals; halves go up or down, as a {@code double} has them.
   *
   * @param value 0 or more
   */
  public static String rounded(double value, int decimals) {
    long units = 1;
    for (int i = 0; i < decimals; i++) {
      units *= TEN;
    }
    return of(Math.round(value * units), decimals);
  }
}
