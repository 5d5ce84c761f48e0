package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A pattern over paths, matched in time linear in the path whatever the pattern: {@code *} and
 * {@code ?} stop at a slash, {@code [...]} is one character, a backslash makes the next character
 * plain, and {@code **} is any number of directories where it is enabled.
 */
final class Glob {

  private sealed interface Token {}

  private record Literal(int codePoint) implements Token {}

  private record One() implements Token {}

  private record Many() implements Token {}

  /** Any text, slashes too. */
  private record Everything() implements Token {}

  /** Nothing, or any text up to and with a slash; followed by {@link InDirectories}. */
  private record Directories() implements Token {}

  private record InDirectories() implements Token {}

  private record OneOf(boolean negated, List<Interval> intervals) implements Token {
    boolean has(int c) {
      return c != '/' && negated != intervals.stream().anyMatch(i -> i.from <= c && c <= i.to);
    }
  }

  private record Interval(int from, int to) {}

  /** The pattern is not well formed. */
  static final class BadPattern extends Exception {
    BadPattern(String message) {
      super(message, null, false, false);
    }
  }

  private final List<Token> tokens;

  private Glob(List<Token> tokens) {
    this.tokens = List.copyOf(tokens);
  }

  /** Go's {@code filepath.Match}: without {@code **}. */
  static Glob plain(String pattern) throws BadPattern {
    return new Glob(new Compiler(pattern, false).compile());
  }

  /** An ignore file's pattern. */
  static Glob withDirectories(String pattern) throws BadPattern {
    return new Glob(new Compiler(pattern, true).compile());
  }

  boolean matches(String path) {
    BitSet states = new BitSet(tokens.size() + 1);
    states.set(0);
    skip(states);
    int[] points = path.codePoints().toArray();
    for (int c : points) {
      states = step(states, c);
      if (states.isEmpty()) {
        return false;
      }
    }
    return states.get(tokens.size());
  }

  private BitSet step(BitSet states, int c) {
    BitSet after = new BitSet(tokens.size() + 1);
    for (int s = states.nextSetBit(0); s >= 0 && s < tokens.size(); s = states.nextSetBit(s + 1)) {
      switch (tokens.get(s)) {
        case Literal t -> move(after, s + 1, t.codePoint == c);
        case One t -> move(after, s + 1, c != '/');
        case OneOf t -> move(after, s + 1, t.has(c));
        case Many t -> move(after, s, c != '/');
        case Everything t -> move(after, s, true);
        case Directories t -> {
          move(after, s + 1, true);
          move(after, s + 2, c == '/');
        }
        case InDirectories t -> {
          move(after, s, true);
          move(after, s + 1, c == '/');
        }
      }
    }
    skip(after);
    return after;
  }

  private static void move(BitSet states, int state, boolean condition) {
    if (condition) {
      states.set(state);
    }
  }

  /** Adds the states that need no character. */
  private void skip(BitSet states) {
    for (int s = states.nextSetBit(0); s >= 0 && s < tokens.size(); s = states.nextSetBit(s + 1)) {
      switch (tokens.get(s)) {
        case Many t -> states.set(s + 1);
        case Everything t -> states.set(s + 1);
        case Directories t -> states.set(s + 2);
        case Literal t -> {}
        case One t -> {}
        case OneOf t -> {}
        case InDirectories t -> {}
      }
    }
  }

  private static final class Compiler {
    private final int[] pattern;
    private final boolean directories;
    private final List<Token> tokens = new ArrayList<>();
    private int position;

    Compiler(String pattern, boolean directories) {
      this.pattern = pattern.codePoints().toArray();
      this.directories = directories;
    }

    List<Token> compile() throws BadPattern {
      while (position < pattern.length) {
        int c = pattern[position++];
        switch (c) {
          case '*' -> star();
          case '?' -> tokens.add(new One());
          case '[' -> tokens.add(oneOf());
          case '\\' -> tokens.add(new Literal(escaped()));
          default -> tokens.add(new Literal(c));
        }
      }
      return tokens;
    }

    private void star() {
      if (!directories || peek() != '*') {
        tokens.add(new Many());
        return;
      }
      boolean first = position == 1;
      position++;
      boolean slash = peek() == '/';
      if (slash) {
        position++;
      }
      if (position == pattern.length || (first && !slash && restIsLiteral())) {
        // The same as any text before a plain suffix: "**x" is also "ax".
        tokens.add(new Everything());
      } else {
        tokens.add(new Directories());
        tokens.add(new InDirectories());
      }
    }

    private boolean restIsLiteral() {
      for (int i = position; i < pattern.length; i++) {
        if ("*?[]\\".indexOf(pattern[i]) >= 0) {
          return false;
        }
      }
      return true;
    }

    private OneOf oneOf() throws BadPattern {
      boolean negated = peek() == '^';
      if (negated) {
        position++;
      }
      var intervals = new ArrayList<Interval>();
      while (peek() != ']' || intervals.isEmpty()) {
        int from = member();
        int to = from;
        if (peek() == '-') {
          position++;
          to = member();
        }
        intervals.add(new Interval(from, to));
      }
      position++;
      return new OneOf(negated, intervals);
    }

    private int member() throws BadPattern {
      int c = peek();
      if (c == -1) {
        throw new BadPattern("a [ is not closed");
      }
      if (c == '-' || c == ']') {
        throw new BadPattern("a character is missing before " + (char) c + " in [...]");
      }
      position++;
      return c == '\\' ? escaped() : c;
    }

    private int escaped() throws BadPattern {
      if (position == pattern.length) {
        throw new BadPattern("nothing follows the last backslash");
      }
      return pattern[position++];
    }

    private int peek() {
      return position < pattern.length ? pattern[position] : -1;
    }
  }
}
