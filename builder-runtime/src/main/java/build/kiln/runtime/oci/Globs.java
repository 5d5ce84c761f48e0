package build.kiln.runtime.oci;

import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Patterns of names: {@code *} is any text without a slash, {@code **} any text, all else is
 * itself, but for {@code ?} where it says so.
 */
public final class Globs {
  private Globs() {}

  /** A pattern that matches the whole of a name; a question mark is itself. */
  public static Pattern compile(String glob) {
    return compile(glob, Pattern.quote("?"));
  }

  /** Whether a text is one of those of {@link #anyOf} and not a name. */
  public static boolean isGlob(String text) {
    return text.indexOf('*') >= 0 || text.indexOf('?') >= 0;
  }

  /** Whether one of the patterns matches; a question mark is any character. */
  public static Predicate<String> anyOf(List<String> globs) {
    List<Pattern> patterns = globs.stream().map(glob -> compile(glob, ".")).toList();
    return name -> patterns.stream().anyMatch(pattern -> pattern.matcher(name).matches());
  }

  private static Pattern compile(String glob, String questionMark) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      if (glob.startsWith("**", i)) {
        regex.append(".*");
        i++;
      } else if (c == '*') {
        regex.append("[^/]*");
      } else {
        regex.append(c == '?' ? questionMark : Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString());
  }
}
