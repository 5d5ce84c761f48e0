package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.Nullable;

/**
 * One thing that is wrong with a Dockerfile.
 *
 * @param message what is wrong, in one line
 * @param hint what to do about it, or null
 */
public record Problem(Code code, SourceRange range, String message, @Nullable String hint) {

  /** Stable names of the kinds of problem. */
  public enum Code {
    /** No instruction, or no FROM. */
    EMPTY,
    /** The text is not of the language's form. */
    SYNTAX,
    UNKNOWN_INSTRUCTION,
    UNKNOWN_FLAG,
    /** An instruction's arguments or a flag's value do not fit. */
    BAD_ARGUMENT,
    /** A variable cannot be expanded, or its value does not fit. */
    EXPANSION,
    UNKNOWN_STAGE,
    STAGE_CYCLE,
    /** The language has it, Kiln does not have it yet. */
    UNSUPPORTED,
    /** {@code # syntax=} names a front end other than the built-in one. */
    UNSUPPORTED_FRONTEND,
    /** An empty line within a continued instruction: a warning. */
    EMPTY_CONTINUATION,
    /** What a build check found: a warning. */
    CHECK,
  }

  private static final int WIDTH = 120;
  private static final int LEAD = 40;

  /** {@code file:line:column: message (hint)}, in one line. */
  public String summary() {
    return range + ": " + message + (hint == null ? "" : " (" + hint + ")");
  }

  /** The summary, the line before, the line itself and carets under the place. */
  public String render() {
    int line = range.startLine();
    int gutter = Integer.toString(line).length() + 2;
    var out = new StringBuilder(summary());
    if (line > 1) {
      out.append(excerpt(gutter, line - 1, clip(range.source().line(line - 1), 0)));
    }
    String text = range.source().line(line);
    int length = text.codePointCount(0, text.length());
    int from = Math.min(range.startColumn() - 1, length);
    int to = range.endLine() > line ? length : Math.min(range.endColumn() - 1, length);
    int skip = from > WIDTH - LEAD ? from - LEAD : 0;
    String shown = clip(text, skip);
    int shownFrom = from - skip + (skip > 0 ? 1 : 0);
    int shownLength = shown.codePointCount(0, shown.length());
    int carets = Math.max(1, Math.min(to - from, shownLength - shownFrom));
    out.append(excerpt(gutter, line, shown));
    out.append('\n').append(" ".repeat(gutter)).append(" | ");
    shown.codePoints().limit(shownFrom).forEach(c -> out.append(c == '\t' ? '\t' : ' '));
    return out.append("^".repeat(carets)).toString();
  }

  private static String excerpt(int gutter, int number, String text) {
    String shownNumber = Integer.toString(number);
    return "\n" + " ".repeat(gutter - shownNumber.length()) + shownNumber + " | " + text;
  }

  /** At most {@link #WIDTH} characters from there on, with dots where some were left out. */
  private static String clip(String text, int skip) {
    int[] points = text.codePoints().skip(skip).limit(WIDTH + 1L).toArray();
    boolean more = points.length > WIDTH;
    return (skip > 0 ? "\u2026" : "")
        + new String(points, 0, more ? WIDTH : points.length)
        + (more ? "\u2026" : "");
  }
}
