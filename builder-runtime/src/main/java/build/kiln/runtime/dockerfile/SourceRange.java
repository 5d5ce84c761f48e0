package build.kiln.runtime.dockerfile;

/**
 * A part of a source. Lines and columns count from 1, columns in Unicode code points; the end is
 * the position after the last character.
 */
public record SourceRange(
    SourceFile source, int startLine, int startColumn, int endLine, int endColumn) {
  public SourceRange {
    if (startLine < 1
        || startColumn < 1
        || endLine < startLine
        || (endLine == startLine && endColumn < startColumn)) {
      throw new IllegalArgumentException(
          "not a range: %d:%d to %d:%d".formatted(startLine, startColumn, endLine, endColumn));
    }
  }

  /** The start of a line. */
  static SourceRange ofLine(SourceFile source, int line) {
    String text = source.line(line);
    return new SourceRange(source, line, 1, line, text.codePointCount(0, text.length()) + 1);
  }

  /** From this one's start to that one's end. */
  SourceRange to(SourceRange other) {
    return new SourceRange(source, startLine, startColumn, other.endLine, other.endColumn);
  }

  /** {@code file:line:column}, as compilers print it. */
  @Override
  public String toString() {
    return source.name() + ":" + startLine + ":" + startColumn;
  }
}
