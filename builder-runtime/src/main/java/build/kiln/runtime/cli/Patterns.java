package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Globs;
import build.kiln.runtime.oci.Reference;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Globs over {@code registry/repository}: {@code *} is any text without a slash, {@code **} any
 * text, all else is itself.
 */
final class Patterns {
  private Patterns() {}

  /** Whether one of the globs matches; none at all allow everything. */
  static Predicate<Reference> allowing(@Nullable List<String> globs) {
    if (globs == null || globs.isEmpty()) {
      return reference -> true;
    }
    List<Pattern> patterns = globs.stream().map(Globs::compile).toList();
    return reference -> patterns.stream().anyMatch(p -> p.matcher(reference.name()).matches());
  }
}
