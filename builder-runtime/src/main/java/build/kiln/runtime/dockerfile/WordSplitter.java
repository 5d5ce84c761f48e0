package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.LogicalLine.Slice;
import java.util.ArrayList;
import java.util.List;

/** The two ways in which arguments are split into words. */
final class WordSplitter {

  /** At blanks, whatever quotes there are: FROM, EXPOSE, and the shell forms of COPY and VOLUME. */
  static List<Word> atBlanks(Slice arguments) {
    String text = arguments.text();
    var words = new ArrayList<Word>();
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      if (i == text.length() || Chars.isBlank(text.charAt(i))) {
        if (i > start) {
          words.add(arguments.part(start, i).word());
        }
        start = i + 1;
      }
    }
    return words;
  }

  /**
   * At spaces that neither quotes nor the escape character protect, all of which are kept: ENV,
   * LABEL and ARG.
   */
  static List<Slice> keepingQuotes(Slice arguments, char escape) {
    String text = arguments.text();
    var words = new ArrayList<Slice>();
    int i = Chars.firstNonSpace(text, 0);
    while (i < text.length()) {
      int start = i;
      char quote = 0;
      boolean loneEscape = false;
      while (i < text.length() && (quote != 0 || !Chars.isSpace(text.charAt(i)))) {
        char c = text.charAt(i);
        if (c == escape && quote != '\'') {
          loneEscape = i + 1 == text.length();
          i++;
        } else if (c == quote) {
          quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
          quote = c;
        }
        i++;
      }
      i = Math.min(i, text.length());
      // An escape character with nothing after it is dropped.
      words.add(arguments.part(start, loneEscape ? i - 1 : i));
      i = Chars.firstNonSpace(text, i);
    }
    words.removeIf(Slice::isEmpty);
    return words;
  }

  private WordSplitter() {}
}
