package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.BuildArg;
import build.kiln.api.v1alpha1.ImageBuildSpec.Cache;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.api.v1alpha1.ImageBuildSpec.Mounted;
import build.kiln.api.v1alpha1.ImageBuildSpec.NamedContext;
import build.kiln.api.v1alpha1.ImageBuildSpec.Output;
import build.kiln.api.v1alpha1.ImageBuildSpec.RegistryCache;
import build.kiln.api.v1alpha1.ImageBuildSpec.SecretName;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.SpecChecks;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the API server refuses by schema and CEL, once more: an API server without them (in memory)
 * and resources older than a rule must not get further. What is left for the builder is not
 * repeated here.
 */
final class Validation {
  /** A token or a password in a URL, which anybody sees who may see the ImageBuild. */
  private static final Pattern CREDENTIALS =
      Pattern.compile("^https?://[^/]*@|^[a-z]+://[^/]*:[^/]*@");

  private Validation() {}

  /** What is wrong with a resource's spec, and what to do. */
  static Optional<String> problem(ImageBuild build) {
    return build.unreadable().or(() -> problem(build.getSpec()));
  }

  private static Optional<String> problem(@Nullable ImageBuildSpec spec) {
    if (spec == null) {
      return Optional.of("spec is missing");
    }
    return Stream.of(
            output(spec),
            source(spec),
            contexts(spec),
            arguments(spec),
            names(spec),
            dockerfile(spec),
            cache(spec),
            SpecChecks.duration("timeout", spec.timeout()),
            SpecChecks.duration("history.ttl", spec.history().ttl()),
            SpecChecks.pod(spec.podTemplate()),
            SpecChecks.size(
                spec, "move inline files and long build arguments into a ConfigMap source or Git"))
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
    return given(source.git(), source.configMap(), source.inline()) == 1
        ? files("source", source)
        : Optional.of("spec.source needs exactly one of git, configMap and inline");
  }

  private static long given(@Nullable Object... fields) {
    return Stream.of(fields).filter(Objects::nonNull).count();
  }

  /** Names and URLs of a source that has one of its fields. */
  private static Optional<String> files(String field, Source source) {
    var git = source.git();
    if (git != null && git.url() != null && CREDENTIALS.matcher(git.url()).find()) {
      return Optional.of(
          "spec.%s.git.url must not hold credentials: put username and password into a Secret and name it in git.secretRef"
              .formatted(field));
    }
    if (git != null && git.secretRef() != null && !Names.isName(git.secretRef().name())) {
      return Optional.of(notAName(field + ".git.secretRef.name", "Secret", git.secretRef().name()));
    }
    var map = source.configMap();
    if (map == null) {
      return Optional.empty();
    }
    return Names.isName(map.name())
        ? stream(map.items())
            .map(ConfigMapSource.Item::key)
            .filter(key -> !Names.isKey(key))
            .findFirst()
            .map(key -> notAKey(field + ".configMap.items[].key", "ConfigMap", key))
        : Optional.of(notAName(field + ".configMap.name", "ConfigMap", map.name()));
  }

  private static Optional<String> contexts(ImageBuildSpec spec) {
    return stream(spec.contexts()).map(Validation::context).flatMap(Optional::stream).findFirst();
  }

  private static Optional<String> context(NamedContext context) {
    var field = "contexts[%s]".formatted(context.name());
    if (given(context.git(), context.configMap(), context.inline(), context.image()) != 1) {
      return Optional.of(
          "spec.%s needs exactly one of git, configMap, inline and image".formatted(field));
    }
    var source = context.source();
    return source == null ? Optional.empty() : files(field, source);
  }

  private static Optional<String> arguments(ImageBuildSpec spec) {
    return stream(spec.buildArgs()).map(Validation::argument).flatMap(Optional::stream).findFirst();
  }

  @SuppressWarnings("NullAway") // Where no schema is enforced, what is required may be missing.
  private static Optional<String> argument(BuildArg arg) {
    var from = arg.valueFrom();
    if (from == null) {
      return Optional.empty();
    }
    var field = "buildArgs[%s]".formatted(arg.name());
    if (!arg.value().isEmpty()) {
      return Optional.of(
          "spec.%s has both value and valueFrom: remove one of them".formatted(field));
    }
    var reference = from.configMapKeyRef();
    if (reference == null) {
      return Optional.of(
          "spec.%s.valueFrom needs configMapKeyRef (a Secret is for spec.secrets: build arguments end in the image's history)"
              .formatted(field));
    }
    field += ".valueFrom.configMapKeyRef";
    if (!Names.isName(reference.name())) {
      return Optional.of(notAName(field + ".name", "ConfigMap", reference.name()));
    }
    return Names.isKey(reference.key())
        ? Optional.empty()
        : Optional.of(notAKey(field + ".key", "ConfigMap", reference.key()));
  }

  private static Optional<String> names(ImageBuildSpec spec) {
    return Stream.of(
            secret("registrySecrets[].name", stream(spec.registrySecrets())),
            secret(
                "output.secretRef.name",
                Optional.ofNullable(spec.output()).map(Output::secretRef).stream()),
            secret(
                "cache.registry.secretRef.name",
                Optional.ofNullable(spec.cache())
                    .map(Cache::registry)
                    .map(RegistryCache::secretRef)
                    .stream()),
            mounted("secrets", stream(spec.secrets())),
            mounted("ssh", stream(spec.ssh())))
        .flatMap(Optional::stream)
        .findFirst();
  }

  private static Optional<String> secret(String field, Stream<SecretName> secrets) {
    return secrets
        .map(SecretName::name)
        .filter(name -> !Names.isName(name))
        .findFirst()
        .map(name -> notAName(field, "Secret", name));
  }

  /** Each is an id, the Secret and the key in it. */
  private static Optional<String> mounted(String field, Stream<? extends Mounted> all) {
    return all.flatMap(
            item ->
                item == null || item.id() == null || item.secretRef() == null
                    ? Stream.of("spec.%s[] needs id and secretRef".formatted(field))
                    : mounted(field, item.secretRef().name(), item.key()).stream())
        .findFirst();
  }

  private static Optional<String> mounted(String field, String name, String key) {
    if (!Names.isName(name)) {
      return Optional.of(notAName(field + "[].secretRef.name", "Secret", name));
    }
    return Names.isKey(key)
        ? Optional.empty()
        : Optional.of(notAKey(field + "[].secretRef.key", "Secret", key));
  }

  private static String notAKey(String field, String kind, @Nullable String key) {
    return "spec.%s \"%s\" is no key of a %s: letters, digits, '-', '_', '.'"
        .formatted(field, key, kind);
  }

  private static String notAName(String field, String kind, @Nullable String name) {
    return "spec.%s \"%s\" is no name of a %s: lower case letters, digits, '-', '.'"
        .formatted(field, name, kind);
  }

  private static <T> Stream<T> stream(@Nullable List<T> list) {
    return list == null ? Stream.of() : list.stream();
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
    var volume = spec.cache().volume();
    if (registry == null && volume == null) {
      return Optional.of(
          "spec.cache says nowhere to keep anything: set cache.volume or cache.registry, or cache.disabled");
    }
    if (registry != null && !isRepository(registry.repository())) {
      return Optional.of(
          "spec.cache.registry.repository names a repository, without a tag or digest");
    }
    return volume == null ? Optional.empty() : volume(volume);
  }

  private static Optional<String> volume(VolumeCache volume) {
    if (!Names.isName(volume.claimName())) {
      return Optional.of(
          notAName("cache.volume.claimName", "PersistentVolumeClaim", volume.claimName()));
    }
    var path = volume.subPath();
    if (path != null && (path.startsWith("/") || List.of(path.split("/", -1)).contains(".."))) {
      return Optional.of(
          "spec.cache.volume.subPath \"%s\" must be a folder of the volume, without '..'"
              .formatted(path));
    }
    var maxSize = volume.maxSize();
    if (maxSize != null && maxSize.getNumericalAmount().signum() <= 0) {
      return Optional.of("spec.cache.volume.maxSize must be a size such as 500Mi or 20Gi");
    }
    return volume.maxAge() == null
        ? Optional.empty()
        : SpecChecks.duration("cache.volume.maxAge", volume.maxAge());
  }

  @SuppressWarnings(
      "ConstantValue") // Where no schema is enforced, what is required may be missing.
  private static boolean isRepository(String name) {
    return name != null
        && !name.contains("@")
        && !name.substring(name.lastIndexOf('/') + 1).contains(":");
  }
}
