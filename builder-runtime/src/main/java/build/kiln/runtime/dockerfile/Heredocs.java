package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the here-documents that a line announces. */
final class Heredocs {
  private static final Pattern FORM = Pattern.compile("(\\d*)<<(-?)\\s*([^<]*)", Pattern.DOTALL);

  /** Backslash, whatever the escape directive says: the words are a shell's. */
  private static final ShellWord LINE =
      ShellWord.with('\\').keepingQuotes().keepingEscapes().keepingUnset();

  private static final ShellWord NAME = ShellWord.with('\\').keepingUnset();
  private static final ShellWord QUOTED_NAME = NAME.keepingQuotes();

  /** Here-documents without their bodies, in order. */
  static List<Heredoc> find(LogicalLine line) {
    List<String> words;
    try {
      words = LINE.process(line.text(), ShellWord.NOTHING).words();
    } catch (ShellWord.Failure noWords) {
      // A quote that does not close: the shell will say so, there is nothing to read here.
      return List.of();
    }
    var found = new ArrayList<Heredoc>();
    int from = 0;
    for (String word : words) {
      int at = Math.max(line.text().indexOf(word, from), from);
      Optional<Heredoc> heredoc = of(word, line.range(at, at + word.length()));
      if (heredoc.isPresent()) {
        found.add(heredoc.get());
        from = at + word.length();
      }
    }
    return found;
  }

  /**
   * The here-document that a word announces, if it does.
   *
   * @throws DockerfileException if its name has a quote that does not close
   */
  static Optional<Heredoc> of(String word, SourceRange range) {
    Matcher form = FORM.matcher(word);
    if (!form.matches() || form.group(3).isEmpty()) {
      return Optional.empty();
    }
    try {
      List<String> plain = NAME.process(form.group(3), ShellWord.NOTHING).words();
      if (plain.size() != 1) {
        return Optional.empty();
      }
      List<String> quoted = QUOTED_NAME.process(form.group(3), ShellWord.NOTHING).words();
      boolean expands = quotes(plain) == quotes(quoted);
      return Optional.of(
          new Heredoc(
              plain.get(0),
              descriptor(form.group(1)),
              expands,
              form.group(2).equals("-"),
              "",
              range));
    } catch (ShellWord.Failure e) {
      throw new DockerfileException(
          Problem.Code.SYNTAX, range, "not a here-document's name: " + e.getMessage(), null);
    }
  }

  private static int descriptor(String digits) {
    return digits.isEmpty() || digits.length() > 9 ? 0 : Integer.parseInt(digits);
  }

  private static long quotes(List<String> words) {
    return words.stream().flatMapToInt(String::chars).filter(c -> c == '\'' || c == '"').count();
  }

  private Heredocs() {}
}
