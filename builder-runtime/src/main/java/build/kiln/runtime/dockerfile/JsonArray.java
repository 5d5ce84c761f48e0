package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the exec form, a JSON array of strings (RFC 8259, strictly), with the place of each string.
 * What is no JSON is the shell form, without an error.
 */
final class JsonArray {

  /** What an instruction's arguments are. */
  sealed interface Result {
    default boolean isJson() {
      return !(this instanceof NotJson);
    }
  }

  record Strings(List<Word> words) implements Result {
    Strings {
      words = List.copyOf(words);
    }
  }

  /** An array with something in it that is no string. */
  record OtherValues(SourceRange range) implements Result {}

  record NotJson() implements Result {}

  /** Not a parse error that anyone sees: it only says that the text is no JSON. */
  private static final class NoJson extends Exception {
    NoJson() {
      super(null, null, false, false);
    }
  }

  private static final int DEEPEST = 500;

  private final Slice slice;
  private final String text;
  private int position;

  private JsonArray(Slice slice) {
    this.slice = slice;
    this.text = slice.text();
  }

  static Result read(Slice arguments) {
    Slice stripped = arguments.strip();
    if (stripped.isEmpty() || stripped.whole().charAt(stripped.start()) != '[') {
      return new NotJson();
    }
    try {
      return new JsonArray(stripped).readAll();
    } catch (NoJson e) {
      return new NotJson();
    }
  }

  private Result readAll() throws NoJson {
    var words = new ArrayList<Word>();
    SourceRange other = null;
    expect('[');
    skipSpace();
    if (!take(']')) {
      do {
        skipSpace();
        int start = position;
        if (peek() == '"') {
          String value = string();
          words.add(new Word(value, slice.range(start, position)));
        } else {
          value(1);
          other = other == null ? slice.range(start, position) : other;
        }
        skipSpace();
      } while (take(','));
      expect(']');
    }
    if (position != text.length()) {
      throw new NoJson();
    }
    return other == null ? new Strings(words) : new OtherValues(other);
  }

  private void value(int depth) throws NoJson {
    if (depth > DEEPEST) {
      throw new NoJson();
    }
    skipSpace();
    switch (peek()) {
      case '"' -> string();
      case '[' -> array(depth);
      case '{' -> object(depth);
      case 't' -> literal("true");
      case 'f' -> literal("false");
      case 'n' -> literal("null");
      default -> number();
    }
    skipSpace();
  }

  private void array(int depth) throws NoJson {
    expect('[');
    skipSpace();
    if (take(']')) {
      return;
    }
    do {
      value(depth + 1);
    } while (take(','));
    expect(']');
  }

  private void object(int depth) throws NoJson {
    expect('{');
    skipSpace();
    if (take('}')) {
      return;
    }
    do {
      skipSpace();
      string();
      skipSpace();
      expect(':');
      value(depth + 1);
    } while (take(','));
    expect('}');
  }

  private void number() throws NoJson {
    take('-');
    if (!take('0')) {
      digits();
    }
    if (take('.')) {
      digits();
    }
    if (take('e') || take('E')) {
      if (!take('+')) {
        take('-');
      }
      digits();
    }
  }

  private void digits() throws NoJson {
    int start = position;
    while (peek() >= '0' && peek() <= '9') {
      position++;
    }
    if (position == start) {
      throw new NoJson();
    }
  }

  private void literal(String word) throws NoJson {
    if (!text.startsWith(word, position)) {
      throw new NoJson();
    }
    position += word.length();
  }

  private String string() throws NoJson {
    expect('"');
    var value = new StringBuilder();
    while (!take('"')) {
      int c = peek();
      if (c < 0x20) {
        throw new NoJson();
      }
      position++;
      if (c == '\\') {
        escaped(value);
      } else {
        value.append((char) c);
      }
    }
    return value.toString();
  }

  private void escaped(StringBuilder out) throws NoJson {
    int c = peek();
    position++;
    switch (c) {
      case '"', '\\', '/' -> out.append((char) c);
      case 'b' -> out.append('\b');
      case 'f' -> out.append('\f');
      case 'n' -> out.append('\n');
      case 'r' -> out.append('\r');
      case 't' -> out.append('\t');
      case 'u' -> unicode(out);
      default -> throw new NoJson();
    }
  }

  /** One character, or two escapes that make one; half of one is U+FFFD. */
  private void unicode(StringBuilder out) throws NoJson {
    char first = codeUnit();
    if (!Character.isSurrogate(first)) {
      out.append(first);
      return;
    }
    if (Character.isHighSurrogate(first) && text.startsWith("\\u", position)) {
      int before = position;
      position += 2;
      char second = codeUnit();
      if (Character.isLowSurrogate(second)) {
        out.append(first).append(second);
        return;
      }
      position = before;
    }
    out.append('\uFFFD');
  }

  private char codeUnit() throws NoJson {
    int value = 0;
    for (int i = 0; i < 4; i++) {
      int digit = peek() < 0 || peek() > 'f' ? -1 : Character.digit(peek(), 16);
      if (digit < 0) {
        throw new NoJson();
      }
      value = value * 16 + digit;
      position++;
    }
    return (char) value;
  }

  /** The character to come, or -1 at the end. */
  private int peek() {
    return position < text.length() ? text.charAt(position) : -1;
  }

  private boolean take(char c) {
    if (peek() != c) {
      return false;
    }
    position++;
    return true;
  }

  private void expect(char c) throws NoJson {
    if (!take(c)) {
      throw new NoJson();
    }
  }

  private void skipSpace() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') {
      position++;
    }
  }
}
