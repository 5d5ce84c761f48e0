package build.kiln.runtime.dockerfile;

import build.kiln.runtime.posix.Names;
import java.util.ArrayList;
import java.util.List;

/**
 * A text that problems point into: its name and its lines. Two sources are equal only if they are
 * the same object, since ranges of one mean nothing in another.
 */
public final class SourceFile {
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final String name;
  private final List<String> lines;

  private SourceFile(String name, List<String> lines) {
    this.name = name;
    this.lines = List.copyOf(lines);
  }

  /**
   * A source of that text; a byte order mark is dropped.
   *
   * @param name what people call it in messages, usually the path they gave
   */
  public static SourceFile of(String name, String text) {
    String body = !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
    var lines = new ArrayList<String>();
    int start = 0;
    while (start < body.length()) {
      int newline = body.indexOf('\n', start);
      int end = newline < 0 ? body.length() : newline + 1;
      lines.add(body.substring(start, end));
      start = end;
    }
    return new SourceFile(name, lines);
  }

  /** Bytes that are not UTF-8 are kept as {@link Names} keeps them in file names. */
  public static SourceFile of(String name, byte[] bytes) {
    return of(name, Names.decode(bytes));
  }

  public String name() {
    return name;
  }

  public int lineCount() {
    return lines.size();
  }

  /** The line without its end; empty past the last one. Lines count from 1. */
  public String line(int number) {
    return number > lines.size() ? "" : Chars.stripLineEnd(rawLine(number));
  }

  /** The line with its end, as a here-document keeps it. */
  String rawLine(int number) {
    return lines.get(number - 1);
  }

  @Override
  public String toString() {
    return name;
  }
}
