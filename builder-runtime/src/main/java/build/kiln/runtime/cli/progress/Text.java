package build.kiln.runtime.cli.progress;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Text of others made fit to be shown: without control, of one line, of a width. */
final class Text {
  /** Sequences that move cursors, colour or name windows (ECMA-48: CSI, OSC and the rest). */
  private static final Pattern ESCAPES =
      Pattern.compile(
          "\u001b(?:\\[[0-?]*+[ -/]*+[@-~]?|\\][^\u0007\u001b]*+(?:\u0007|\u001b\\\\)?|[ -/]*+[0-~]?)");

  private static final Pattern LINE_END = Pattern.compile("\\R");

  /** As long as the lines that {@link StepLines} makes; also an empty line is one. */
  private static final Pattern PIECE =
      Pattern.compile("^$|.{1," + StepLines.MAX_BYTES + "}", Pattern.DOTALL);

  private static final String DOTS = "...";
  private static final List<String> UNITS = List.of("B", "kB", "MB", "GB", "TB", "PB", "EB");
  private static final int TAB = 8;

  private Text() {}

  /**
   * Without escape sequences, control characters but tabs, and marks that reorder text; what
   * Unicode takes for a line end becomes a space.
   */
  static String clean(String text) {
    String plain = text.indexOf('\u001b') < 0 ? text : ESCAPES.matcher(text).replaceAll("");
    var out = new StringBuilder(plain.length());
    for (int i = 0; i < plain.length(); i++) {
      char c = plain.charAt(i);
      if (c == '\n' || c == '\u2028' || c == '\u2029') {
        out.append(' ');
      } else if (c == '\t' || (!Character.isISOControl(c) && !reorders(c))) {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static boolean reorders(char c) {
    return (c >= '\u202a' && c <= '\u202e') || (c >= '\u2066' && c <= '\u2069');
  }

  /** In one clean line of at most so many characters. */
  static String oneLine(String text, int most) {
    String line = clean(LINE_END.matcher(text).replaceAll(" ")).strip();
    return line.length() <= most ? line : line.substring(0, most - DOTS.length()) + DOTS;
  }

  /** Its lines, each clean; what is longer than 4096 characters becomes several. */
  static List<String> lines(String text) {
    return Arrays.stream(LINE_END.split(text.stripTrailing(), -1))
        .map(Text::clean)
        .flatMap(line -> PIECE.matcher(line).results().map(MatchResult::group))
        .toList();
  }

  /** Tabs as spaces, up to the next eighth column. */
  static String expandTabs(String text) {
    if (text.indexOf('\t') < 0) {
      return text;
    }
    var out = new StringBuilder();
    int column = 0;
    for (int point : text.codePoints().toArray()) {
      if (point == '\t') {
        int width = TAB - column % TAB;
        out.repeat(' ', width);
        column += width;
      } else {
        out.appendCodePoint(point);
        column += columns(point);
      }
    }
    return out.toString();
  }

  /** How many columns of a terminal it takes. */
  static int columns(String text) {
    return text.codePoints().map(Text::columns).sum();
  }

  /** Cut to so many columns, with dots at the end if something was cut. */
  static String cut(String text, int width) {
    if (columns(text) <= width) {
      return text;
    }
    int room = width - DOTS.length();
    if (room < 0) {
      return "";
    }
    var out = new StringBuilder();
    for (int point : text.codePoints().toArray()) {
      room -= columns(point);
      if (room < 0) {
        break;
      }
      out.appendCodePoint(point);
    }
    return out + DOTS;
  }

  private static int columns(int point) {
    return switch (Character.getType(point)) {
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
      default -> isWide(point) ? 2 : 1;
    };
  }

  /** The blocks of Unicode's East Asian Width "wide", a little generously. */
  private static boolean isWide(int point) {
    return (point >= 0x1100 && point <= 0x115f)
        || (point >= 0x2e80 && point <= 0xa4cf)
        || (point >= 0xac00 && point <= 0xd7a3)
        || (point >= 0xf900 && point <= 0xfaff)
        || (point >= 0xfe30 && point <= 0xfe6f)
        || (point >= 0xff00 && point <= 0xff60)
        || (point >= 0xffe0 && point <= 0xffe6)
        || (point >= 0x1f300 && point <= 0x1faff)
        || (point >= 0x20000 && point <= 0x3fffd);
  }

  /** {@code 1.05MB / 5.2MB}; the first alone if the total is not known. */
  static String transferred(long done, long total) {
    return total > 0 ? size(done) + " / " + size(total) : size(done);
  }

  /** Bytes in decimal units, of at most two decimals. */
  static String size(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 999.995 && unit < UNITS.size() - 1) {
      value /= 1000;
      unit++;
    }
    String number = Decimals.rounded(value, 2);
    return number.replaceFirst("\\.?0+$", "") + UNITS.get(unit);
  }

  /** {@code 1.2s}. */
  static String seconds(Duration duration) {
    return Decimals.rounded(duration.toNanos() / 1e9, 1) + "s";
  }
}
