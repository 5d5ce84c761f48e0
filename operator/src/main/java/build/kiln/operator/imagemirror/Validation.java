package build.kiln.operator.imagemirror;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.SpecHash;
import build.kiln.operator.job.Weights;
import build.kiln.operator.scheduled.Timing;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the API server refuses by schema and CEL, once more: an API server without them (in memory)
 * and resources older than a rule must not get further. And what CEL cannot see: a time zone that
 * is none, a day that never comes, a pattern that is none.
 */
final class Validation {
  /** The work order is one ConfigMap, which etcd keeps under 1 MiB. */
  private static final int LARGEST_SPEC = 768 * 1024;

  private Validation() {}

  /** What is wrong with a resource's spec, and what to do. */
  static Optional<String> problem(ImageMirror mirror) {
    return mirror.unreadable().or(() -> problem(mirror.getSpec()));
  }

  private static Optional<String> problem(@Nullable ImageMirrorSpec spec) {
    if (spec == null) {
      return Optional.of("spec is missing");
    }
    return places(spec)
        .or(() -> tags(spec))
        .or(() -> timing(spec))
        .or(() -> secret("source.secretRef.name", spec.source().secretRef()))
        .or(() -> secret("destination.secretRef.name", spec.destination().secretRef()))
        .or(() -> key(spec))
        .or(() -> duration("timeout", spec.timeout()))
        .or(() -> duration("history.ttl", spec.history().ttl()))
        .or(() -> pod(spec))
        .or(() -> size(spec));
  }

  @SuppressWarnings("NullAway") // Where no schema is enforced, what is required may be missing.
  private static Optional<String> places(ImageMirrorSpec spec) {
    var source = spec.source();
    if (source == null
        || (source.repository() == null) == (source.registry() == null)
        || (source.registry() == null) != (source.repositories() == null)) {
      return Optional.of("spec.source needs either repository, or registry with repositories");
    }
    var destination = spec.destination();
    if (destination == null
        || (destination.repository() == null) == (destination.prefix() == null)) {
      return Optional.of("spec.destination needs exactly one of repository and prefix");
    }
    return destination.repository() != null && source.repository() == null
        ? Optional.of(
            "spec.destination.repository takes the images of one repository: for several set destination.prefix")
        : Optional.empty();
  }

  private static Optional<String> tags(ImageMirrorSpec spec) {
    var tags = spec.tags();
    if (tags == null) {
      return spec.source().digests() == null
          ? Optional.of("spec.tags is missing: say which tags are copied, such as tags.all: true")
          : Optional.empty();
    }
    if (tags.regex() == null) {
      return Optional.empty();
    }
    try {
      Pattern.compile(tags.regex());
      return Optional.empty();
    } catch (PatternSyntaxException e) {
      return Optional.of(
          "spec.tags.regex \"%s\" is no regular expression: %s"
              .formatted(tags.regex(), e.getDescription()));
    }
  }

  private static Optional<String> timing(ImageMirrorSpec spec) {
    try {
      Timing.parse(spec.schedule(), spec.timeZone(), spec.interval());
      return spec.timeZone() != null && spec.schedule() == null
          ? Optional.of("spec.timeZone is the zone of spec.schedule, which is missing")
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + e.getMessage());
    }
  }

  private static Optional<String> secret(String field, @Nullable SecretName secret) {
    return secret == null || Names.isName(secret.name())
        ? Optional.empty()
        : Optional.of(notAName(field, secret.name()));
  }

  @SuppressWarnings("NullAway") // Where no schema is enforced, what is required may be missing.
  private static Optional<String> key(ImageMirrorSpec spec) {
    if (spec.verify() == null) {
      return Optional.empty();
    }
    var key = spec.verify().publicKeyRef();
    if (key == null) {
      return Optional.of("spec.verify.publicKeyRef is missing: name a Secret with public keys");
    }
    if (!Names.isName(key.name())) {
      return Optional.of(notAName("verify.publicKeyRef.name", key.name()));
    }
    return Names.isKey(key.key())
        ? Optional.empty()
        : Optional.of(
            "spec.verify.publicKeyRef.key \"%s\" is no key of a Secret: letters, digits, '-', '_', '.'"
                .formatted(key.key()));
  }

  private static String notAName(String field, @Nullable String name) {
    return "spec.%s \"%s\" is no name of a Secret: lower case letters, digits, '-', '.'"
        .formatted(field, name);
  }

  private static Optional<String> duration(String field, String text) {
    try {
      Durations.parse(text);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + field + ": " + e.getMessage());
    }
  }

  private static Optional<String> pod(ImageMirrorSpec spec) {
    var pod = spec.podTemplate();
    if (pod == null) {
      return Optional.empty();
    }
    var resources =
        pod.resources() == null
            ? Optional.<String>empty()
            : Stream.of(pod.resources().getLimits(), pod.resources().getRequests())
                .filter(Objects::nonNull)
                .flatMap(quantities -> quantities.entrySet().stream())
                .filter(quantity -> quantity.getValue().getNumericalAmount().signum() < 0)
                .map(
                    quantity ->
                        "spec.podTemplate.resources: %s is %s, less than 0"
                            .formatted(quantity.getKey(), quantity.getValue()))
                .findFirst();
    return resources.or(
        () ->
            Weights.of(pod.affinity())
                .filter(weight -> weight < 1 || weight > 100)
                .map(
                    weight ->
                        "spec.podTemplate.affinity: a weight is %d, and must be from 1 to 100"
                            .formatted(weight))
                .findFirst());
  }

  private static Optional<String> size(ImageMirrorSpec spec) {
    int size = SpecHash.size(spec);
    return size <= LARGEST_SPEC
        ? Optional.empty()
        : Optional.of(
            "the spec has %d KiB, more than the %d KiB that a work order can hold: write several ImageMirrors"
                .formatted(size / 1024, LARGEST_SPEC / 1024));
  }
}
