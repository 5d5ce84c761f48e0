package build.kiln.runtime.oci;

import java.util.HexFormat;

/**
 * The grammar of distribution's reference package, character by character: names are checked with
 * each request, and an expression takes a young JVM as long as the rest of it.
 */
final class ReferenceGrammar {
  private static final int LONGEST_TAG = 128;
  private static final int LONGEST_PORT = 5;

  private ReferenceGrammar() {}

  /** {@code host[:port]}, the host a name, an address or {@code [an IPv6 address]}. */
  static boolean isRegistry(String text) {
    int end = text.lastIndexOf(':');
    if (end <= text.lastIndexOf(']')) {
      end = text.length();
    }
    return isHost(text, end) && (end == text.length() || isPort(text, end + 1));
  }

  private static boolean isHost(String text, int end) {
    if (end > 0 && text.charAt(0) == '[') {
      for (int i = 1; i < end - 1; i++) {
        if (!HexFormat.isHexDigit(text.charAt(i)) && text.charAt(i) != ':') {
          return false;
        }
      }
      return end > 2 && text.charAt(end - 1) == ']';
    }
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (!isAlphanumeric(c) && ((c != '.' && c != '-') || i == 0 || i == end - 1)) {
        return false;
      }
    }
    return end > 0;
  }

  private static boolean isPort(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (!isDigit(text.charAt(i))) {
        return false;
      }
    }
    return text.length() > from && text.length() - from <= LONGEST_PORT;
  }

  /**
   * Parts between slashes, of lower case letters and digits; within a part may stand one dot, one
   * or two underscores, or any number of hyphens.
   */
  static boolean isRepository(String text) {
    int i = 0;
    while (true) {
      int start = i;
      while (i < text.length() && isLowerAlphanumeric(text.charAt(i))) {
        i++;
      }
      if (i == start) {
        return false;
      }
      if (i == text.length()) {
        return true;
      }
      int after = afterSeparator(text, i);
      if (after == i) {
        return false;
      }
      i = after;
    }
  }

  private static int afterSeparator(String text, int from) {
    int i = from;
    switch (text.charAt(from)) {
      case '/', '.' -> i++;
      case '_' -> i += text.startsWith("__", from) ? 2 : 1;
      case '-' -> {
        while (i < text.length() && text.charAt(i) == '-') {
          i++;
        }
      }
      default -> {}
    }
    return i;
  }

  /** Up to 128 word characters, and dots and hyphens but for the first. */
  static boolean isTag(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!isAlphanumeric(c) && c != '_' && (i == 0 || (c != '.' && c != '-'))) {
        return false;
      }
    }
    return !text.isEmpty() && text.length() <= LONGEST_TAG;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isLowerAlphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || isDigit(c);
  }

  private static boolean isAlphanumeric(char c) {
    return isLowerAlphanumeric(c) || (c >= 'A' && c <= 'Z');
  }
}
