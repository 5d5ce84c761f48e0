package build.kiln.runtime.dockerfile;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parser directives at the top of a file: {@code # syntax=}, {@code # escape=}, {@code #
 * check=}.
 */
public record Directives(@Nullable Word syntaxWord, char escape, @Nullable Word checkWord) {
  public Directives {
    if (escape != '\\' && escape != '`') {
      throw new IllegalArgumentException("not an escape character: " + escape);
    }
  }

  /** The front end that is asked for, with what follows it. */
  public Optional<Word> syntax() {
    return Optional.ofNullable(syntaxWord);
  }

  /** Which build checks to skip or to take as errors, as written. */
  public Optional<Word> check() {
    return Optional.ofNullable(checkWord);
  }
}
