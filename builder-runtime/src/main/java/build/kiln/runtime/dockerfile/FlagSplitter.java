package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes the {@code --name=value} words from the start of an instruction's arguments. Quotes and
 * backslashes in them are resolved here, whatever the escape directive says; {@code --} alone ends
 * them.
 */
final class FlagSplitter {
  private final Slice input;
  private final String text;
  private final List<Flag> flags = new ArrayList<>();
  private int position;

  FlagSplitter(Slice input) {
    this.input = input;
    this.text = input.text();
    while (readFlag()) {
      // each call takes one
    }
  }

  List<Flag> flags() {
    return flags;
  }

  Slice rest() {
    return input.part(position, text.length());
  }

  /** Whether there was one. */
  private boolean readFlag() {
    int start = Chars.firstNonSpace(text, position);
    if (!text.startsWith("--", start)) {
      position = start;
      return false;
    }
    int end = start;
    var word = new StringBuilder();
    int equals = -1;
    int valueStart = -1;
    char quote = 0;
    while (end < text.length()) {
      char c = text.charAt(end);
      if (quote == 0 && Chars.isSpace(c)) {
        break;
      }
      if (c == '\\') {
        end++;
        if (end < text.length()) {
          word.append(text.charAt(end));
          end++;
        }
        continue;
      }
      if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      } else {
        if (c == '=' && equals < 0) {
          equals = word.length();
          valueStart = end + 1;
        }
        word.append(c);
      }
      end++;
    }
    position = end;
    if (word.toString().equals("--")) {
      return false;
    }
    add(word.toString(), equals, start, valueStart, end);
    return true;
  }

  private void add(String word, int equals, int start, int valueStart, int end) {
    SourceRange range = input.range(start, end);
    if (equals < 0) {
      flags.add(new Flag(word.substring(2), null, range));
    } else {
      Word value = new Word(word.substring(equals + 1), input.range(valueStart, end));
      flags.add(new Flag(word.substring(2, Math.max(2, equals)), value, range));
    }
  }
}
