package build.kiln.runtime.cli.manifest;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A file is no manifest and no work order that can be run. Permanent: a retry does not help, the
 * file must change. The message has a line {@code file:line:column: what is wrong and what to do}
 * for each problem, in the order of the file.
 */
public final class ManifestException extends RuntimeException {
  /** What kind of fault it is; stable names. */
  public enum Code {
    /** No UTF-8, no YAML, a key twice, a tag or an alias that a manifest must not have. */
    SyntaxInvalid,
    /**
     * There is no ImageBuild or ImageMirror in the file, or more than one, or a document that is no
     * resource.
     */
    NotOneBuild,
    /** A field is unknown, missing, of the wrong type or has a value that is not allowed. */
    FieldInvalid,
    /** A work order that this builder does not understand. */
    OrderInvalid
  }

  /** One fault at its place. */
  public record Problem(Place place, String message) {}

  private final Code code;
  private final transient List<Problem> problems;

  /**
   * @param file the file's name, for the message
   * @param problems at least one
   */
  public ManifestException(Code code, String file, List<Problem> problems) {
    List<Problem> sorted =
        problems.stream()
            .sorted(
                Comparator.<Problem>comparingInt(p -> p.place().line())
                    .thenComparingInt(p -> p.place().column()))
            .toList();
    super(
        sorted.stream()
            .map(
                p ->
                    "%s:%d:%d: %s"
                        .formatted(file, p.place().line(), p.place().column(), p.message()))
            .collect(Collectors.joining("\n")));
    this.code = code;
    this.problems = sorted;
  }

  ManifestException(Code code, String file, Place place, String message) {
    this(code, file, List.of(new Problem(place, message)));
  }

  public Code code() {
    return code;
  }

  /** In the order of the file, never empty. */
  public List<Problem> problems() {
    return problems;
  }
}
