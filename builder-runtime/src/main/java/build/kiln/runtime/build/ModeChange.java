package build.kiln.runtime.build;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code --chmod}: octal digits, or symbolic as chmod(1) of BSD reads it, without a umask. */
final class ModeChange {
  private static final Pattern OCTAL = Pattern.compile("0*[0-7]{1,4}");
  private static final Pattern CLAUSE = Pattern.compile("([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)");
  private static final Pattern ACTION = Pattern.compile("([-+=])([ugo]|[rwxXst]*)");

  private final String text;

  /**
   * @throws IllegalArgumentException if that is no mode
   */
  ModeChange(String text) {
    this.text = text;
    if (!OCTAL.matcher(text).matches()) {
      for (String clause : text.split(",", -1)) {
        if (!CLAUSE.matcher(clause).matches()) {
          throw new IllegalArgumentException("not a file mode: \"" + text + "\"");
        }
      }
    }
  }

  /** Whether it says the whole mode, whatever it was before. */
  boolean isOctal() {
    return OCTAL.matcher(text).matches();
  }

  /** The mode after the change. */
  int apply(int mode, boolean directory) {
    if (isOctal()) {
      return Integer.parseInt(text, 8);
    }
    int result = mode;
    for (String clause : text.split(",", -1)) {
      Matcher parts = CLAUSE.matcher(clause);
      if (parts.matches()) {
        Matcher action = ACTION.matcher(parts.group(2));
        while (action.find()) {
          result = act(result, parts.group(1), action.group(1), action.group(2), directory);
        }
      }
    }
    return result;
  }

  /**
   * As BSD's setmode, which BuildKit follows: {@code =} clears the set-id bits of its classes, also
   * of directories, and never the sticky bit; for others alone there is neither a set-id nor a
   * sticky bit; a copied class leaves the set-id bits as they are.
   */
  private static int act(int mode, String who, String how, String what, boolean directory) {
    String classes = who.isEmpty() || who.contains("a") ? "ugo" : who;
    int cleared = 0;
    int bits = 0;
    for (char c : classes.toCharArray()) {
      cleared |= 7 << shift(c);
      bits |= permissions(mode, what, directory) << shift(c);
    }
    boolean copies = what.length() == 1 && "ugo".contains(what);
    int special = (classes.contains("u") ? 04000 : 0) | (classes.contains("g") ? 02000 : 0);
    cleared |= copies ? 0 : special;
    bits |= what.contains("s") ? special : 0;
    bits |= what.contains("t") && special != 0 ? 01000 : 0;
    return switch (how) {
      case "+" -> mode | bits;
      case "-" -> mode & ~bits;
      default -> mode & ~cleared | bits;
    };
  }

  /** The three bits for one class. */
  private static int permissions(int mode, String what, boolean directory) {
    if (what.length() == 1 && "ugo".contains(what)) {
      return mode >> shift(what.charAt(0)) & 7;
    }
    int bits = 0;
    bits |= what.contains("r") ? 4 : 0;
    bits |= what.contains("w") ? 2 : 0;
    bits |= what.contains("x") ? 1 : 0;
    bits |= what.contains("X") && (directory || (mode & 0111) != 0) ? 1 : 0;
    return bits;
  }

  private static int shift(char who) {
    return switch (who) {
      case 'u' -> 6;
      case 'g' -> 3;
      default -> 0;
    };
  }
}
