package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * A {@code .dockerignore}: which paths of a context are left out. A pattern is anchored at the
 * context's root and also matches all that is below what it matches; {@code !} makes an exception;
 * the last pattern that matches decides.
 *
 * <p>Immutable and safe for use by several threads.
 */
public final class IgnoreFile {
  private static final IgnoreFile EMPTY = new IgnoreFile(List.of());

  /**
   * One line.
   *
   * @param literal the leading directories without wildcards
   * @param wildcards whether there are any
   * @param text the line and where it is, for people
   */
  private record Rule(
      boolean exception, Glob glob, String literal, boolean wildcards, String text) {

    /** Whether it may match something below a directory. */
    boolean mayMatchBelow(String directory) {
      String below = directory + "/";
      String prefix = literal + "/";
      return prefix.startsWith(below)
          || (wildcards && (literal.isEmpty() || below.startsWith(prefix)));
    }
  }

  private final List<Rule> rules;

  private IgnoreFile(List<Rule> rules) {
    this.rules = List.copyOf(rules);
  }

  /** Leaves nothing out. */
  public static IgnoreFile none() {
    return EMPTY;
  }

  /**
   * Reads an ignore file.
   *
   * @throws DockerfileException if a line is no pattern
   */
  public static IgnoreFile parse(SourceFile source) {
    var rules = new ArrayList<Rule>();
    for (int number = 1; number <= source.lineCount(); number++) {
      String line = source.line(number);
      String pattern = Chars.strip(line);
      if (!line.startsWith("#") && !pattern.isEmpty()) {
        try {
          rules.add(rule(pattern, pattern + " (" + source.name() + ":" + number + ")", false));
        } catch (Glob.BadPattern e) {
          throw new DockerfileException(
              Problem.Code.SYNTAX,
              SourceRange.ofLine(source, number),
              "not a pattern: " + pattern,
              e.getMessage());
        }
      }
    }
    return new IgnoreFile(rules);
  }

  /**
   * The patterns of {@code --exclude}, or of {@code COPY --parents} for what is to be taken. They
   * are as in a file, but for two things: {@code #} begins no comment, and a leading slash stays,
   * so that such a pattern matches nothing.
   *
   * @throws DockerfileException if one is no pattern
   */
  public static IgnoreFile ofPatterns(List<Word> patterns) {
    var rules = new ArrayList<Rule>();
    for (Word word : patterns) {
      String pattern = Chars.strip(word.text());
      if (!pattern.isEmpty()) {
        try {
          rules.add(rule(pattern, pattern, true));
        } catch (Glob.BadPattern e) {
          throw new DockerfileException(
              Problem.Code.BAD_ARGUMENT,
              word.range(),
              "not a pattern: \"" + word + "\"",
              e.getMessage());
        }
      }
    }
    return new IgnoreFile(rules);
  }

  private static Rule rule(String line, String text, boolean keepSlash) throws Glob.BadPattern {
    boolean exception = line.startsWith("!");
    String given = exception ? Chars.strip(line.substring(1)) : line;
    if (given.isEmpty()) {
      throw new Glob.BadPattern("! must be followed by a pattern");
    }
    String clean = GoPath.clean(given);
    boolean slash = !keepSlash && clean.length() > 1 && clean.startsWith("/");
    String pattern = slash ? clean.substring(1) : clean;
    String literal = GoPath.literalPrefix(pattern);
    return new Rule(
        exception, Glob.withDirectories(pattern), literal, !literal.equals(pattern), text);
  }

  /** Whether there is no pattern. */
  public boolean isEmpty() {
    return rules.isEmpty();
  }

  /** Whether there is a {@code !} line. */
  public boolean hasExceptions() {
    return rules.stream().anyMatch(Rule::exception);
  }

  /**
   * Whether a path is left out, by itself or through a directory above it.
   *
   * @param path relative to the context's root, with slashes
   */
  public boolean excludes(String path) {
    return at(path).excluded();
  }

  /**
   * Whether a directory must be walked: it is not left out, or an exception may match below it. A
   * directory that is left out but holds something that is not, comes with it.
   */
  public boolean mayContainIncluded(String directory) {
    return at(directory).mayContainIncluded();
  }

  private Scope at(String path) {
    Scope scope = root();
    for (String name : path.split("/", -1)) {
      if (!name.isEmpty() && !name.equals(".")) {
        scope = scope.child(name);
      }
    }
    return scope;
  }

  /** The context's root, from which a walk goes down; cheaper than asking for whole paths. */
  public Scope root() {
    return new Scope("", new BitSet(), -1);
  }

  /** One path of a walk. */
  public final class Scope {
    private final String path;

    /** The rules that match this path or one above it. */
    private final BitSet matched;

    /** The last rule that matches; -1 if none does. */
    private final int decider;

    private Scope(String path, BitSet matched, int decider) {
      this.path = path;
      this.matched = matched;
      this.decider = decider;
    }

    /** What is called that in this directory. */
    public Scope child(String name) {
      String childPath = path.isEmpty() ? name : path + "/" + name;
      BitSet childMatched = new BitSet(rules.size());
      boolean childExcluded = false;
      int childDecider = -1;
      for (int i = 0; i < rules.size(); i++) {
        Rule rule = rules.get(i);
        // A rule that would change nothing here is not looked at, and so is not inherited either.
        if (matched.get(i) || (rule.exception == childExcluded && rule.glob.matches(childPath))) {
          childMatched.set(i);
          childExcluded = !rule.exception;
          childDecider = i;
        }
      }
      return new Scope(childPath, childMatched, childDecider);
    }

    /** Whether it is left out: the patterns match it, and no exception after them does. */
    public boolean excluded() {
      return decider >= 0 && !rules.get(decider).exception;
    }

    /** Whether a pattern that is no exception may match something below this directory. */
    public boolean mayMatchBelow() {
      return rules.stream().anyMatch(r -> !r.exception && r.mayMatchBelow(path));
    }

    /** The line that decides whether it is left out, and where it is; empty if none matches. */
    public Optional<String> decidedBy() {
      return decider < 0 ? Optional.empty() : Optional.of(rules.get(decider).text);
    }

    /** See {@link IgnoreFile#mayContainIncluded}. */
    public boolean mayContainIncluded() {
      return !excluded() || rules.stream().anyMatch(r -> r.exception && r.mayMatchBelow(path));
    }
  }
}
