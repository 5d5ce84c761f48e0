package build.kiln.runtime.dockerfile;

import java.util.Arrays;
import java.util.BitSet;

/**
 * The pattern in {@code ${name#pattern}} and its like: {@code *} is any text, {@code ?} one
 * character, neither beyond a line's end; a backslash makes {@code * ? \ } } and {@code /} plain.
 */
final class ShellPattern {
  private static final int ANY_TEXT = -1;
  private static final int ANY_CHARACTER = -2;

  /** Code points, or one of the two above. */
  private final int[] tokens;

  private ShellPattern(int[] tokens) {
    this.tokens = tokens;
  }

  static ShellPattern parse(String pattern) throws ShellWord.Failure {
    int[] points = pattern.codePoints().toArray();
    int[] tokens = new int[points.length];
    int count = 0;
    for (int i = 0; i < points.length; i++) {
      int c = points[i];
      if (c == '\\') {
        i++;
        if (i == points.length || "*?\\}/".indexOf(points[i]) < 0) {
          throw new ShellWord.Failure(
              "invalid escape in the pattern "
                  + pattern
                  + ": a backslash may only precede * ? \\ } or /");
        }
        tokens[count++] = points[i];
      } else {
        tokens[count++] = c == '*' ? ANY_TEXT : c == '?' ? ANY_CHARACTER : c;
      }
    }
    return new ShellPattern(Arrays.copyOf(tokens, count));
  }

  String trimPrefix(String value, boolean longest) {
    int[] points = value.codePoints().toArray();
    int end = matchEnd(points, 0, longest);
    return end < 0 ? value : string(points, end, points.length);
  }

  String trimSuffix(String value, boolean longest) {
    int[] points = value.codePoints().toArray();
    int end = new ShellPattern(reversed(tokens)).matchEnd(reversed(points), 0, longest);
    return end < 0 ? value : string(points, 0, points.length - end);
  }

  /** Replaces the first match, the longest there, or every one that does not overlap another. */
  String replace(String value, String replacement, boolean all) {
    int[] points = value.codePoints().toArray();
    var out = new StringBuilder();
    int start = 0;
    int lastEnd = -1;
    while (start <= points.length) {
      int end = matchEnd(points, start, true);
      boolean match = end >= 0 && !(end == start && start == lastEnd);
      if (match) {
        out.append(replacement);
        lastEnd = end;
      }
      if (match && !all) {
        return out.append(string(points, end, points.length)).toString();
      }
      if (match && end > start) {
        start = end;
      } else {
        if (start < points.length) {
          out.appendCodePoint(points[start]);
        }
        start++;
      }
    }
    return out.toString();
  }

  /** Where the shortest or longest match from there ends, or -1. */
  private int matchEnd(int[] points, int start, boolean longest) {
    var states = new BitSet(tokens.length + 1);
    states.set(0);
    skipStars(states);
    int found = -1;
    for (int i = start; ; i++) {
      if (states.get(tokens.length)) {
        found = i;
        if (!longest) {
          return found;
        }
      }
      if (i == points.length || states.isEmpty()) {
        return found;
      }
      states = step(states, points[i]);
    }
  }

  private BitSet step(BitSet states, int c) {
    var after = new BitSet(tokens.length + 1);
    for (int s = states.nextSetBit(0); s >= 0 && s < tokens.length; s = states.nextSetBit(s + 1)) {
      if (tokens[s] == ANY_TEXT) {
        after.set(s, c != '\n' || after.get(s));
      } else if (tokens[s] == c || (tokens[s] == ANY_CHARACTER && c != '\n')) {
        after.set(s + 1);
      }
    }
    skipStars(after);
    return after;
  }

  private void skipStars(BitSet states) {
    for (int s = states.nextSetBit(0); s >= 0 && s < tokens.length; s = states.nextSetBit(s + 1)) {
      if (tokens[s] == ANY_TEXT) {
        states.set(s + 1);
      }
    }
  }

  private static int[] reversed(int[] values) {
    int[] out = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      out[values.length - 1 - i] = values[i];
    }
    return out;
  }

  private static String string(int[] points, int from, int to) {
    return new String(points, from, to - from);
  }
}
