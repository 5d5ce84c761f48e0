package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Expands variables, quotes and escapes in one text as BuildKit does, which is nearly as a shell
 * does: {@code $name}, {@code ${name}} and the modifiers {@code - + ?} (also after a colon), {@code
 * # ## % %% / //}. Single quotes are literal; in double quotes the escape character only escapes
 * {@code "}, {@code $} and itself; elsewhere it escapes any character. A name without a value is
 * empty.
 *
 * <p>Immutable: the {@code keeping} methods give a copy with one thing left as it is written.
 */
record ShellWord(
    char escape,
    boolean keepQuotes,
    boolean keepEscapes,
    boolean keepUnset,
    boolean quotesAreLiteral) {

  /** No variable has a value. */
  static final Function<String, Optional<String>> NOTHING = name -> Optional.empty();

  /** The text cannot be expanded; the message says why, without a place. */
  static final class Failure extends Exception {
    private final boolean open;

    private Failure(String message, boolean open) {
      super(message, null, false, false);
      this.open = open;
    }

    Failure(String message) {
      this(message, false);
    }

    /** The text ends within a substitution or a quote. */
    static Failure open(String message) {
      return new Failure(message, true);
    }

    boolean isOpen() {
      return open;
    }
  }

  /**
   * What came of a text.
   *
   * @param text as one word
   * @param words split at spaces that no quote or escape protects, after expansion
   * @param undefined names that were asked for and have no value
   */
  record Result(String text, List<String> words, Set<String> undefined) {
    Result {
      words = List.copyOf(words);
      undefined = Set.copyOf(undefined);
    }
  }

  static ShellWord with(char escape) {
    return new ShellWord(escape, false, false, false, false);
  }

  ShellWord keepingQuotes() {
    return new ShellWord(escape, true, keepEscapes, keepUnset, quotesAreLiteral);
  }

  ShellWord keepingEscapes() {
    return new ShellWord(escape, keepQuotes, true, keepUnset, quotesAreLiteral);
  }

  /** A variable without a value stays as it is written. */
  ShellWord keepingUnset() {
    return new ShellWord(escape, keepQuotes, keepEscapes, true, quotesAreLiteral);
  }

  /** Quotes mean nothing, as in a here-document. */
  ShellWord withLiteralQuotes() {
    return new ShellWord(escape, keepQuotes, keepEscapes, keepUnset, true);
  }

  Result process(String text, Function<String, Optional<String>> variables) throws Failure {
    return new Run(text, variables).all();
  }

  /** A text as it grows, and its words. */
  private static final class Output {
    private final StringBuilder text = new StringBuilder();
    private final List<String> words = new ArrayList<>();
    private final StringBuilder word = new StringBuilder();

    /** A character that nothing protects: a space ends a word. */
    void add(char c) {
      text.append(c);
      split(c);
    }

    /** A variable's value: its spaces end words. */
    void addSplitting(String value) {
      text.append(value);
      value.chars().forEach(c -> split((char) c));
    }

    /** What was quoted or escaped. */
    void addWhole(String value) {
      text.append(value);
      word.append(value);
    }

    private void split(char c) {
      if (!Chars.isSpace(c)) {
        word.append(c);
      } else {
        endWord();
      }
    }

    private void endWord() {
      if (!word.isEmpty()) {
        words.add(word.toString());
        word.setLength(0);
      }
    }

    List<String> words() {
      endWord();
      return words;
    }
  }

  private final class Run {
    private static final int END = -1;
    private static final int DEEPEST = 200;

    private final String source;
    private final Function<String, Optional<String>> variables;
    private final Set<String> undefined = new TreeSet<>();
    private boolean rawEscapes = keepEscapes;
    private int position;
    private int depth;

    Run(String source, Function<String, Optional<String>> variables) {
      this.source = source;
      this.variables = variables;
    }

    Result all() throws Failure {
      Output out = until(END, rawEscapes);
      return new Result(out.text.toString(), out.words(), undefined);
    }

    /** Reads up to the stop character, which is taken but not kept. */
    private Output until(int stop, boolean raw) throws Failure {
      if (++depth > DEEPEST) {
        throw new Failure("substitutions are nested more than " + DEEPEST + " deep");
      }
      boolean rawBefore = rawEscapes;
      rawEscapes = raw;
      var out = new Output();
      while (peek() != END && peek() != stop) {
        readPart(out);
      }
      if (stop != END && next() == END) {
        throw Failure.open("missing " + (char) stop + " in ${...}");
      }
      rawEscapes = rawBefore;
      depth--;
      return out;
    }

    private void readPart(Output out) throws Failure {
      int c = peek();
      if (c == '$') {
        out.addSplitting(dollar());
      } else if (c == '\'' && !quotesAreLiteral) {
        out.addWhole(singleQuoted());
      } else if (c == '"' && !quotesAreLiteral) {
        out.addWhole(doubleQuoted());
      } else if (c == '<' && source.startsWith("<<", position)) {
        out.addWhole(heredocSign());
      } else if (c == escape) {
        next();
        String kept = rawEscapes ? String.valueOf(escape) : "";
        int escaped = next();
        out.addWhole(escaped == END ? kept : kept + (char) escaped);
      } else {
        out.add((char) next());
      }
    }

    /** The sign and the spaces after it: they belong to the word that ends the document. */
    private String heredocSign() {
      int start = position;
      position += 2;
      while (peek() != END && Chars.isSpace(peek())) {
        position++;
      }
      return source.substring(start, position);
    }

    private String singleQuoted() throws Failure {
      int close = source.indexOf('\'', position + 1);
      if (close < 0) {
        throw Failure.open("a single quote is not closed");
      }
      String quoted = source.substring(keepQuotes ? position : position + 1, close);
      position = close + 1;
      return keepQuotes ? quoted + "'" : quoted;
    }

    private String doubleQuoted() throws Failure {
      next();
      var out = new StringBuilder(keepQuotes ? "\"" : "");
      while (peek() != '"') {
        int c = peek();
        if (c == END) {
          throw Failure.open("a double quote is not closed");
        } else if (c == '$') {
          out.append(dollar());
        } else if (c == escape) {
          escapeInQuotes(out);
        } else {
          out.append((char) next());
        }
      }
      next();
      return (keepQuotes ? out.append('"') : out).toString();
    }

    private void escapeInQuotes(StringBuilder out) {
      next();
      if (rawEscapes) {
        out.append(escape);
      }
      int c = peek();
      if (c == '"' || c == '$' || c == escape) {
        out.append((char) next());
      } else if (c != END) {
        out.append(escape);
      }
    }

    private String dollar() throws Failure {
      next();
      if (peek() == '{') {
        next();
        return braces();
      }
      String name = name();
      if (name.isEmpty()) {
        return "$";
      }
      Optional<String> value = lookUp(name);
      return value.isEmpty() && keepUnset ? "$" + name : value.orElse("");
    }

    private String braces() throws Failure {
      int c = peek();
      if (c == END) {
        throw Failure.open("missing } after ${");
      }
      if (c == '{' || c == '}' || c == ':') {
        throw new Failure("bad substitution: a name must follow ${");
      }
      String name = name();
      int modifier = next();
      return switch (modifier) {
        case END -> throw Failure.open("missing } after ${" + name);
        case '}' -> {
          Optional<String> value = lookUp(name);
          yield value.isEmpty() && keepUnset ? "${" + name + "}" : value.orElse("");
        }
        case ':' -> modified(name, next(), true);
        case '/' -> replaced(name);
        default -> modified(name, modifier, false);
      };
    }

    private String modified(String name, int modifier, boolean afterColon) throws Failure {
      if (modifier == END) {
        throw Failure.open("missing } after ${" + name + ":");
      }
      String sign = (afterColon ? ":" : "") + Character.toString(modifier);
      boolean known = (afterColon ? "+-?" : "+-?#%").indexOf(modifier) >= 0;
      if (!known && !afterColon) {
        throw unsupported(name, sign);
      }
      boolean pattern = modifier == '#' || modifier == '%';
      String word = until('}', pattern).text.toString();
      Optional<String> value = lookUp(name);
      if (value.isEmpty() && keepUnset) {
        return "${" + name + sign + word + "}";
      }
      if (!known) {
        throw unsupported(name, sign);
      }
      boolean set = value.isPresent() && !(afterColon && value.get().isEmpty());
      return switch (modifier) {
        case '-' -> set ? value.get() : word;
        case '+' -> set ? word : "";
        case '?' -> {
          if (!set) {
            String reason =
                value.isPresent() ? "is not allowed to be empty" : "is not allowed to be unset";
            throw new Failure(name + ": " + (word.isEmpty() ? reason : word));
          }
          yield value.get();
        }
        default -> trimmed(value.orElse(""), (char) modifier, word);
      };
    }

    private static Failure unsupported(String name, String sign) {
      return new Failure("unsupported modifier (" + sign + ") in ${" + name + sign + "...}");
    }

    private String trimmed(String value, char modifier, String word) throws Failure {
      boolean longest = !word.isEmpty() && word.charAt(0) == modifier;
      ShellPattern pattern = ShellPattern.parse(longest ? word.substring(1) : word);
      return modifier == '#'
          ? pattern.trimPrefix(value, longest)
          : pattern.trimSuffix(value, longest);
    }

    private String replaced(String name) throws Failure {
      boolean all = peek() == '/';
      if (all) {
        next();
      }
      String pattern = until('/', true).text.toString();
      String replacement = until('}', true).text.toString();
      Optional<String> value = lookUp(name);
      if (value.isEmpty() && keepUnset) {
        return "${" + name + "/" + pattern + "/" + replacement + "}";
      }
      return ShellPattern.parse(pattern).replace(value.orElse(""), replacement, all);
    }

    /** Letters, digits and underscores; digits only if it starts with one; or one special sign. */
    private String name() {
      int start = position;
      boolean number = peek() != END && Character.isDigit(source.codePointAt(position));
      if (!number && peek() != END && "@*#?-$!".indexOf(peek()) >= 0) {
        position++;
        return source.substring(start, position);
      }
      while (peek() != END) {
        int c = source.codePointAt(position);
        if (number ? !Character.isDigit(c) : !Chars.isNamePart(c)) {
          break;
        }
        position += Character.charCount(c);
      }
      return source.substring(start, position);
    }

    private Optional<String> lookUp(String name) {
      Optional<String> value = variables.apply(name);
      if (value.isEmpty()) {
        undefined.add(name);
      }
      return value;
    }

    private int peek() {
      return position < source.length() ? source.charAt(position) : END;
    }

    private int next() {
      int c = peek();
      if (c != END) {
        position++;
      }
      return c;
    }
  }
}
