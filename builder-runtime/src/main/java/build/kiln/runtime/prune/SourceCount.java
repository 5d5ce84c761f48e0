package build.kiln.runtime.prune;

import build.kiln.runtime.prune.KubernetesUses.Source;
import java.util.Optional;

/**
 * What was found of a source of references.
 *
 * @param objects of its kind, in any version
 * @param values that the path names in them
 */
public record SourceCount(Source source, long objects, long values) {
  static SourceCount none(Source source) {
    return new SourceCount(source, 0, 0);
  }

  SourceCount and(SourceCount other) {
    return new SourceCount(source, objects + other.objects, values + other.values);
  }

  /**
   * That it names nothing where it could: the path may be wrong, and then what is in use is not
   * known.
   */
  Optional<String> unknown() {
    return objects > 0 && values == 0 && !source.optional()
        ? Optional.of(
            "%s: %d of them were read, and %s names nothing in any; correct protect.extraSources, or set optional: true there if that may be"
                .formatted(source.name(), objects, source.path()))
        : Optional.empty();
  }

  /** That it protects nothing. */
  Optional<String> warning() {
    if (values > 0) {
      return Optional.empty();
    }
    return Optional.of(
        objects == 0
            ? "there is no " + source.name()
            : "%s names nothing in any %s".formatted(source.path(), source.name()));
  }
}
