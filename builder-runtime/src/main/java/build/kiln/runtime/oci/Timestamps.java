package build.kiln.runtime.oci;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;

/**
 * Times as images' configurations have them (RFC 3339). The same as {@link Instant#parse} and
 * {@link Instant#toString}, but for the formatters of all languages that these set up, which takes
 * a new process ten milliseconds.
 */
public final class Timestamps {
  private static final int SECONDS_A_DAY = 86_400;
  private static final int UNTIL_SECONDS = "yyyy-mm-ddThh:mm:ss".length();
  private static final int NANO_DIGITS = 9;

  private Timestamps() {}

  /**
   * @throws DateTimeException if it is no time with a zone
   */
  public static Instant parse(String text) {
    return isPlain(text) ? plain(text) : Instant.parse(text);
  }

  /** Whether it is of the usual form, in UTC. */
  private static boolean isPlain(String text) {
    int end = text.length() - 1;
    if (end < UNTIL_SECONDS || text.charAt(end) != 'Z' || number(text, 0, 4) < 0) {
      return false;
    }
    for (int i = 4; i < UNTIL_SECONDS; i += 3) {
      if (text.charAt(i) != "-..-..T..:..:".charAt(i - 4) || number(text, i + 1, i + 3) < 0) {
        return false;
      }
    }
    int decimals = end - UNTIL_SECONDS - 1;
    return decimals < 0
        || (text.charAt(UNTIL_SECONDS) == '.'
            && decimals > 0
            && decimals <= NANO_DIGITS
            && number(text, UNTIL_SECONDS + 1, end) >= 0);
  }

  private static Instant plain(String text) {
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    if (hour > 23 || minute > 59 || second > 59) {
      // 24:00 and leap seconds have rules of their own.
      return Instant.parse(text);
    }
    LocalDate date = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10));
    int end = text.length() - 1;
    long nanos = 0;
    if (end > UNTIL_SECONDS) {
      nanos = number(text, UNTIL_SECONDS + 1, end);
      for (int digits = end - UNTIL_SECONDS - 1; digits < NANO_DIGITS; digits++) {
        nanos *= 10;
      }
    }
    long seconds = date.toEpochDay() * SECONDS_A_DAY + hour * 3600L + minute * 60L + second;
    return Instant.ofEpochSecond(seconds, nanos);
  }

  /** The digits from one place to another; -1 if there is anything else. */
  private static int number(String text, int from, int to) {
    int number = 0;
    for (int i = from; i < to; i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      number = 10 * number + digit;
    }
    return number;
  }

  /** In UTC, with as many decimals as are needed, three at a time. */
  public static String format(Instant time) {
    long seconds = time.getEpochSecond();
    int ofDay = (int) Math.floorMod(seconds, (long) SECONDS_A_DAY);
    LocalDate date;
    try {
      date = LocalDate.ofEpochDay(Math.floorDiv(seconds, SECONDS_A_DAY));
    } catch (DateTimeException tooFar) {
      return time.toString();
    }
    if (date.getYear() < 0 || date.getYear() > 9999) {
      return time.toString();
    }
    var text = new StringBuilder(30).append(date).append('T');
    digits(text, ofDay / 3600, 2);
    digits(text.append(':'), ofDay / 60 % 60, 2);
    digits(text.append(':'), ofDay % 60, 2);
    int nanos = time.getNano();
    if (nanos % 1_000_000 == 0 && nanos > 0) {
      digits(text.append('.'), nanos / 1_000_000, 3);
    } else if (nanos % 1000 == 0 && nanos > 0) {
      digits(text.append('.'), nanos / 1000, 6);
    } else if (nanos > 0) {
      digits(text.append('.'), nanos, NANO_DIGITS);
    }
    return text.append('Z').toString();
  }

  private static void digits(StringBuilder text, int number, int count) {
    String digits = Integer.toString(number);
    text.repeat('0', count - digits.length()).append(digits);
  }
}
