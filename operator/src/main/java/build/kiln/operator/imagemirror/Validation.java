package build.kiln.operator.imagemirror;

import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.SpecChecks;
import build.kiln.operator.scheduled.Timing;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the API server refuses by schema and CEL, once more: an API server without them (in memory)
 * and resources older than a rule must not get further. And what CEL cannot see: a time zone that
 * is none, a day that never comes, a pattern that is none.
 */
final class Validation {
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
        .or(() -> Timing.problem(spec.schedule(), spec.timeZone(), spec.interval()))
        .or(() -> secret("source.secretRef.name", spec.source().secretRef()))
        .or(() -> secret("destination.secretRef.name", spec.destination().secretRef()))
        .or(() -> key(spec))
        .or(() -> SpecChecks.duration("timeout", spec.timeout()))
        .or(() -> SpecChecks.duration("history.ttl", spec.history().ttl()))
        .or(() -> SpecChecks.pod(spec.podTemplate()))
        .or(() -> SpecChecks.size(spec, "write several ImageMirrors"));
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
    return tags.regex() == null ? Optional.empty() : SpecChecks.regex("tags.regex", tags.regex());
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
}
