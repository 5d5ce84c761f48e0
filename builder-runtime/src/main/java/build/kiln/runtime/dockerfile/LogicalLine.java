package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;

/**
 * The text of one instruction, its continuation lines joined, that still knows where each of its
 * characters stands in the file.
 */
final class LogicalLine {

  /** From this offset on, the text stands on that line from that index on. */
  private record Piece(int offset, int line, int index) {}

  private final SourceFile source;
  private final StringBuilder joined = new StringBuilder();
  private final List<Piece> pieces = new ArrayList<>();

  LogicalLine(SourceFile source) {
    this.source = source;
  }

  /** Adds what stands on a line of the file between two indices. */
  void append(int line, int from, int to) {
    pieces.add(new Piece(joined.length(), line, from));
    joined.append(source.line(line), from, to);
  }

  String text() {
    return joined.toString();
  }

  SourceFile source() {
    return source;
  }

  Slice slice() {
    return new Slice(this, text(), 0, joined.length());
  }

  /** The place of the characters between two offsets. */
  SourceRange range(int from, int to) {
    Piece first = pieceAt(from);
    Piece last = pieceAt(Math.max(from, to - 1));
    return new SourceRange(
        source,
        first.line,
        column(first.line, first.index + from - first.offset),
        last.line,
        column(last.line, last.index + Math.max(from, to) - last.offset));
  }

  private Piece pieceAt(int offset) {
    Piece found = pieces.get(0);
    for (Piece piece : pieces) {
      if (piece.offset > offset) {
        break;
      }
      found = piece;
    }
    return found;
  }

  private int column(int line, int index) {
    String text = source.line(line);
    return text.codePointCount(0, Math.min(index, text.length())) + 1;
  }

  /**
   * A part of a logical line.
   *
   * @param whole the line's whole text
   */
  record Slice(LogicalLine line, String whole, int start, int end) {
    String text() {
      return whole.substring(start, end);
    }

    boolean isEmpty() {
      return start == end;
    }

    /** The part between two offsets of this part. */
    Slice part(int from, int to) {
      return new Slice(line, whole, start + from, start + to);
    }

    SourceRange range() {
      return line.range(start, end);
    }

    SourceRange range(int from, int to) {
      return line.range(start + from, start + to);
    }

    Word word() {
      return new Word(text(), range());
    }

    Slice strip() {
      int from = start;
      int to = end;
      while (from < to && Chars.isSpace(whole.charAt(from))) {
        from++;
      }
      while (to > from && Chars.isSpace(whole.charAt(to - 1))) {
        to--;
      }
      return new Slice(line, whole, from, to);
    }
  }
}
