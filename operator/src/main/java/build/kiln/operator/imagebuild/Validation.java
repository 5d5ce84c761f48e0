package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the API server refuses by schema and CEL, once more: an API server without them (in memory)
 * and resources older than a rule must not get further. What is left for the builder is not
 * repeated here.
 */
final class Validation {
  /** The work order is one ConfigMap, which etcd keeps under 1 MiB. */
  static final int LARGEST_SPEC = 768 * 1024;

  private Validation() {}

  /** What is wrong with a spec, and what to do. */
  static Optional<String> problem(@Nullable ImageBuildSpec spec) {
    if (spec == null) {
      return Optional.of("spec is missing");
    }
    return Stream.of(
            output(spec),
            source(spec),
            dockerfile(spec),
            cache(spec),
            duration("timeout", spec.timeout()),
            duration("history.ttl", spec.history().ttl()),
            size(spec))
        .flatMap(Optional::stream)
        .findFirst();
  }

  @SuppressWarnings("NullAway") // Where no schema is enforced, what is required may be missing.
  private static Optional<String> output(ImageBuildSpec spec) {
    if (spec.output() == null || spec.output().image() == null) {
      return Optional.of("spec.output.image is missing: name the repository to push to");
    }
    var image = spec.output().image();
    if (!isRepository(image)) {
      return Optional.of(
          "spec.output.image names a repository, without a tag or digest: put tags into spec.output.tags");
    }
    boolean git = spec.source() != null && spec.source().git() != null;
    return !git && spec.output().tags().stream().anyMatch(tag -> tag.contains("{{git."))
        ? Optional.of(
            "spec.output.tags uses {{git.sha}} or {{git.shortSha}}, which only a source.git has: use {{run}} or a fixed tag")
        : Optional.empty();
  }

  private static Optional<String> source(ImageBuildSpec spec) {
    Source source = spec.source();
    if (source == null) {
      return spec.dockerfile() != null && spec.dockerfile().inline() != null
          ? Optional.empty()
          : Optional.of(
              "spec.source is missing: set one of source.git, source.configMap and source.inline, or write the Dockerfile in dockerfile.inline");
    }
    long given =
        Stream.<@Nullable Object>of(source.git(), source.configMap(), source.inline())
            .filter(one -> one != null)
            .count();
    return given == 1
        ? Optional.empty()
        : Optional.of("spec.source needs exactly one of git, configMap and inline");
  }

  private static Optional<String> dockerfile(ImageBuildSpec spec) {
    var dockerfile = spec.dockerfile();
    return dockerfile != null && dockerfile.path() != null && dockerfile.inline() != null
        ? Optional.of("spec.dockerfile has both path and inline: remove one of them")
        : Optional.empty();
  }

  private static Optional<String> cache(ImageBuildSpec spec) {
    if (spec.cache() == null || spec.cache().disabled()) {
      return Optional.empty();
    }
    var registry = spec.cache().registry();
    if (registry == null) {
      return Optional.of(
          "spec.cache says nowhere to keep anything: set cache.registry, or cache.disabled");
    }
    return isRepository(registry.repository())
        ? Optional.empty()
        : Optional.of("spec.cache.registry.repository names a repository, without a tag or digest");
  }

  @SuppressWarnings(
      "ConstantValue") // Where no schema is enforced, what is required may be missing.
  private static boolean isRepository(String name) {
    return name != null
        && !name.contains("@")
        && !name.substring(name.lastIndexOf('/') + 1).contains(":");
  }

  private static Optional<String> duration(String field, String text) {
    try {
      Durations.parse(text);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + field + ": " + e.getMessage());
    }
  }

  private static Optional<String> size(ImageBuildSpec spec) {
    int size = Inputs.size(spec);
    return size <= LARGEST_SPEC
        ? Optional.empty()
        : Optional.of(
            "the spec has %d KiB, more than the %d KiB that a work order can hold: move inline files and long build arguments into a ConfigMap source or Git"
                .formatted(size / 1024, LARGEST_SPEC / 1024));
  }
}
