package build.kiln.runtime.dockerfile;

import java.util.ArrayDeque;

/** Paths as Go's {@code path/filepath} sees them on Linux. */
public final class GoPath {

  /** The shortest path that is the same by its text: no empty segment, dot, or undone segment. */
  static String clean(String path) {
    boolean rooted = path.startsWith("/");
    var segments = new ArrayDeque<String>();
    for (String segment : path.split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".")) {
        continue;
      }
      if (!segment.equals("..")) {
        segments.addLast(segment);
      } else if (!segments.isEmpty() && !segments.peekLast().equals("..")) {
        segments.removeLast();
      } else if (!rooted) {
        segments.addLast(segment);
      }
    }
    String joined = String.join("/", segments);
    return rooted ? "/" + joined : joined.isEmpty() ? "." : joined;
  }

  /** A path relative to a root, cleaned; {@code ..} never leaves the root, which is empty. */
  public static String belowRoot(String path) {
    return clean("/" + path).substring(1);
  }

  static boolean hasWildcards(String segment) {
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '*' || c == '?' || c == '[') {
        return true;
      }
    }
    return false;
  }

  /** The leading segments that have neither wildcards nor backslashes. */
  static String literalPrefix(String pattern) {
    var prefix = new StringBuilder();
    for (String segment : pattern.split("/", -1)) {
      if (hasWildcards(segment) || segment.contains("\\")) {
        break;
      }
      prefix.append(prefix.isEmpty() ? "" : "/").append(segment);
    }
    return prefix.toString();
  }

  private GoPath() {}
}
