package build.kiln.runtime.dockerfile;

import java.util.Optional;

/**
 * A source of {@code COPY --parents}. At the first {@code /./} it has its pivot: what stands before
 * names the directories to copy from, what stands after it is kept as a path in the destination.
 * Without a pivot all of it is kept.
 *
 * @param base what stands before the pivot, as written; {@code /} without one
 * @param pattern what stands after it, without slashes at its ends; empty if nothing does
 */
public record PivotPath(String base, String pattern) {
  private static final String PIVOT = "/./";

  /** Reads an expanded source. */
  public static PivotPath of(Word source) {
    String text = source.text();
    int at = text.indexOf(PIVOT);
    String base = at < 0 ? "/" : text.substring(0, at);
    String rest = at < 0 ? text : text.substring(at + PIVOT.length());
    return new PivotPath(base.isEmpty() ? "/" : base, GoPath.clean("/" + rest).substring(1));
  }

  /**
   * The path that must be there, without slashes at its ends; empty if there are wildcards, which
   * may match nothing.
   */
  public Optional<String> required() {
    return GoPath.hasWildcards(base) || GoPath.hasWildcards(pattern)
        ? Optional.empty()
        : Optional.of(GoPath.clean("/" + base + "/" + pattern).substring(1));
  }

  /** How to write the source if all below its base is meant. */
  public String everything() {
    return base.equals("/") ? "*" : base + "/./*";
  }
}
