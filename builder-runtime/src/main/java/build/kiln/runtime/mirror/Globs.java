package build.kiln.runtime.mirror;

import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Names by glob. */
final class Globs {
  private Globs() {}

  /** Whether a text is a glob and not a name. */
  static boolean isGlob(String text) {
    return text.indexOf('*') >= 0 || text.indexOf('?') >= 0;
  }

  /** Of tags: {@code *} is any text, {@code ?} any character. */
  static Predicate<String> tags(List<String> globs) {
    return any(globs.stream().map(glob -> compile(glob, ".*")).toList());
  }

  /** Of repositories: {@code *} is any text without a slash, {@code **} any text. */
  static Predicate<String> repositories(List<String> globs) {
    return any(globs.stream().map(glob -> compile(glob, "[^/]*")).toList());
  }

  private static Predicate<String> any(List<Pattern> patterns) {
    return name -> patterns.stream().anyMatch(pattern -> pattern.matcher(name).matches());
  }

  private static Pattern compile(String glob, String star) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      if (glob.startsWith("**", i)) {
        regex.append(".*");
        i++;
      } else if (c == '*') {
        regex.append(star);
      } else if (c == '?') {
        regex.append('.');
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString());
  }
}
