package build.kiln.runtime.dockerfile;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A Dockerfile, a trigger or an ignore file is wrong. Permanent: a retry does not help, the text
 * must change.
 */
public final class DockerfileException extends RuntimeException {
  private final transient List<Problem> problems;

  /**
   * @param problems at least one; kept in the order of their places
   */
  public DockerfileException(List<Problem> problems) {
    super(
        problems.get(0).summary()
            + (problems.size() > 1 ? " (and " + (problems.size() - 1) + " more)" : ""));
    this.problems =
        problems.stream()
            .sorted(
                Comparator.<Problem>comparingInt(p -> p.range().startLine())
                    .thenComparingInt(p -> p.range().startColumn()))
            .toList();
  }

  public DockerfileException(
      Problem.Code code, SourceRange range, String message, @Nullable String hint) {
    this(List.of(new Problem(code, range, message, hint)));
  }

  /** In the order of the file, never empty. */
  public List<Problem> problems() {
    return problems;
  }

  /** The code of the first problem. */
  public Problem.Code code() {
    return problems.get(0).code();
  }

  /** Every problem with its line and carets, for people. */
  public String render() {
    return problems.stream().map(Problem::render).collect(Collectors.joining("\n"));
  }
}
