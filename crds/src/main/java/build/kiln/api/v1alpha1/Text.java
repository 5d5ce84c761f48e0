package build.kiln.api.v1alpha1;

import org.jspecify.annotations.Nullable;

/**
 * Shortens texts for people without breaking a character. Lengths are in UTF-16 units, the ellipsis
 * included.
 */
public final class Text {
  private static final String ELLIPSIS = "…";

  private Text() {}

  /** The start of a text, with an ellipsis if something was left out. */
  public static @Nullable String start(@Nullable String text, int length) {
    if (text == null || text.length() <= length) {
      return whole(text);
    }
    int end = Math.max(0, length - ELLIPSIS.length());
    if (end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return whole(text.substring(0, end)) + ELLIPSIS;
  }

  /** The end of a text, with an ellipsis if something was left out. */
  public static @Nullable String end(@Nullable String text, int length) {
    if (text == null || text.length() <= length) {
      return whole(text);
    }
    int from = text.length() - Math.max(0, length - ELLIPSIS.length());
    if (from < text.length() && Character.isLowSurrogate(text.charAt(from))) {
      from++;
    }
    return ELLIPSIS + whole(text.substring(from));
  }

  /** The text, or an empty one. */
  public static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }

  /** Half characters, as a builder's output may hold, would make JSON that others refuse. */
  private static @Nullable String whole(@Nullable String text) {
    if (text == null || text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return text;
    }
    return text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
