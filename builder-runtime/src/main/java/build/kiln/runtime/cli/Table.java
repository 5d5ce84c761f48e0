package build.kiln.runtime.cli;

import build.kiln.runtime.cli.progress.Decimals;
import java.io.PrintStream;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Columns of text for people, as docker prints them. */
final class Table {
  private static final String GAP = "   ";
  private static final String[] UNITS = {"B", "kB", "MB", "GB", "TB", "PB"};

  private Table() {}

  /**
   * @param rows of the same number of cells each, the headings first
   */
  static void print(PrintStream out, List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length())).append(GAP);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /** Three digits and a unit, in powers of 1000. */
  static String size(long bytes) {
    return size(bytes, "");
  }

  /**
   * The same.
   *
   * @param gap before the unit
   */
  static String size(long bytes, String gap) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1000;
      unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return Decimals.rounded(value, decimals) + gap + UNITS[unit];
  }

  /**
   * How long ago a time was.
   *
   * @param time RFC 3339; what cannot be read, and times before 1980, are no times
   */
  static String ago(@Nullable String time, Clock clock) {
    OffsetDateTime then;
    try {
      then = OffsetDateTime.parse(time == null ? "" : time);
    } catch (DateTimeException notATime) {
      return "N/A";
    }
    if (then.getYear() < 1980) {
      return "N/A";
    }
    Duration age = Duration.between(then.toInstant(), clock.instant());
    long seconds = Math.max(0, age.toSeconds());
    long days = seconds / 86_400;
    if (seconds < 60) {
      return count(seconds, "second");
    } else if (seconds < 3600) {
      return count(seconds / 60, "minute");
    } else if (days < 1) {
      return count(seconds / 3600, "hour");
    } else if (days < 14) {
      return count(days, "day");
    } else if (days < 60) {
      return count(days / 7, "week");
    }
    return days < 730 ? count(days / 30, "month") : count(days / 365, "year");
  }

  private static String count(long number, String unit) {
    return number + " " + unit + (number == 1 ? "" : "s") + " ago";
  }
}
