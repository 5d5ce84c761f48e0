package build.kiln.runtime.dockerfile;

import java.util.ArrayList;
import java.util.List;

/**
 * A source of COPY or ADD that may hold wildcards, by the rules of Go's {@code filepath.Match}: a
 * pattern has as many segments as what it matches, {@code *} does not cross a slash, {@code **} is
 * nothing special.
 */
public final class Wildcard {
  private final String prefix;
  private final List<Glob> segments;
  private final Glob whole;

  private Wildcard(String prefix, List<Glob> segments, Glob whole) {
    this.prefix = prefix;
    this.segments = List.copyOf(segments);
    this.whole = whole;
  }

  /**
   * Reads one source.
   *
   * @param source expanded; it is cleaned and taken as relative to the root of what is copied from,
   *     so {@code ..} never leaves that
   * @throws DockerfileException if a pattern in it is not well formed
   */
  public static Wildcard of(Word source) {
    String path = GoPath.belowRoot(source.text());
    List<String> names = List.of(path.split("/", -1));
    int first = 0;
    while (first < names.size() && !GoPath.hasWildcards(names.get(first))) {
      first++;
    }
    List<String> rest = names.subList(first, names.size());
    try {
      var segments = new ArrayList<Glob>();
      for (String segment : rest) {
        segments.add(Glob.plain(segment));
      }
      return new Wildcard(
          String.join("/", names.subList(0, first)), segments, Glob.plain(String.join("/", rest)));
    } catch (Glob.BadPattern e) {
      throw new DockerfileException(
          Problem.Code.BAD_ARGUMENT,
          source.range(),
          "not a pattern: \"" + source + "\"",
          e.getMessage() + "; write [[] for a plain [");
    }
  }

  /** Whether there is any; if not, the prefix is the path itself. */
  public boolean hasWildcards() {
    return !segments.isEmpty();
  }

  /** The leading directories that are plain, without slashes at the ends; empty is the root. */
  public String prefix() {
    return prefix;
  }

  /** How many directories deep below the prefix a match stands; 0 without wildcards. */
  public int depth() {
    return segments.size();
  }

  /**
   * Whether a path matches.
   *
   * @param path relative to the prefix
   */
  public boolean matches(String path) {
    return hasWildcards() && whole.matches(path);
  }

  /**
   * Whether a directory may hold matches.
   *
   * @param directory relative to the prefix; empty is the prefix itself
   */
  public boolean mayMatchBelow(String directory) {
    if (directory.isEmpty()) {
      return hasWildcards();
    }
    String[] names = directory.split("/", -1);
    if (names.length >= segments.size()) {
      return false;
    }
    for (int i = 0; i < names.length; i++) {
      if (!segments.get(i).matches(names[i])) {
        return false;
      }
    }
    return true;
  }
}
