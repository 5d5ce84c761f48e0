package build.kiln.runtime.oci;

import java.util.regex.Pattern;

/**
 * Patterns of names: {@code *} is any text without a slash, {@code **} any text, all else is
 * itself.
 */
public final class Globs {
  private Globs() {}

  /** A pattern that matches the whole of a name. */
  public static Pattern compile(String glob) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      if (c != '*') {
        regex.append(Pattern.quote(String.valueOf(c)));
      } else if (i + 1 < glob.length() && glob.charAt(i + 1) == '*') {
        regex.append(".*");
        i++;
      } else {
        regex.append("[^/]*");
      }
    }
    return Pattern.compile(regex.toString());
  }
}
