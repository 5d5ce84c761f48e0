package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parser directives at the top of a file: {@code # syntax=}, {@code # escape=}, {@code #
 * check=}.
 *
 * @param lines how many lines of the file they are
 */
public record Directives(
    @Nullable Word syntaxWord, char escape, @Nullable Word checkWord, int lines) {
  public Directives {
    if (escape != '\\' && escape != '`') {
      throw new IllegalArgumentException("not an escape character: " + escape);
    }
  }

  /** The front end that is asked for, with what follows it. */
  public Optional<Word> syntax() {
    return Optional.ofNullable(syntaxWord);
  }

  /**
   * Checks the build argument that names a front end.
   *
   * @param place what to point at if it is not the built-in one
   * @throws DockerfileException if it is not
   */
  public static void checkFrontend(String image, SourceRange place) {
    DirectiveReader.frontendProblem(new Word(image, place))
        .ifPresent(
            problem -> {
              throw new DockerfileException(List.of(problem));
            });
  }

  /** Which build checks to skip or to take as errors, as written. */
  public Optional<Word> check() {
    return Optional.ofNullable(checkWord);
  }
}
