package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.Mounted;
import build.kiln.api.work.BuilderPaths;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The keys of the Secrets that a builder pod mounts, by folder below {@link BuilderPaths#SECRETS}
 * and name of the Secret. Contents are never here.
 */
record SecretFiles(Map<String, Map<String, List<String>>> folders) {
  static final SecretFiles NONE = new SecretFiles(Map.of());

  static final String DOCKER_CONFIG = ".dockerconfigjson";
  private static final List<String> GIT_KEYS =
      List.of("username", "password", "ssh-privatekey", "known_hosts");

  /**
   * A Secret that a spec names.
   *
   * @param keys those that the builder reads
   * @param all whether it needs all of them, not only one
   */
  record Wanted(String folder, String name, List<String> keys, boolean all) {
    /** Which of a Secret's keys the builder reads; none means that the Secret is of no use. */
    List<String> keysOf(@Nullable Map<String, String> data) {
      if (data == null || all && !data.keySet().containsAll(keys)) {
        return List.of();
      }
      return keys.stream().filter(data::containsKey).toList();
    }

    /** What the Secret must hold, in words. */
    String keysInWords() {
      return switch (folder) {
        case BuilderPaths.SECRETS_GIT -> "username and password, or ssh-privatekey and known_hosts";
        case BuilderPaths.SECRETS_BUILD ->
            keys.size() == 1
                ? "the key " + keys.getFirst()
                : "some of the keys " + String.join(", ", keys);
        default ->
            DOCKER_CONFIG
                + " (make it with kubectl create secret docker-registry %s)".formatted(name);
      };
    }
  }

  /** The Secrets that a spec names, each once. */
  static List<Wanted> wanted(ImageBuildSpec spec) {
    var registry =
        Stream.of(
                Stream.ofNullable(spec.registrySecrets()).flatMap(List::stream),
                Stream.ofNullable(spec.output().secretRef()),
                Stream.ofNullable(spec.cache())
                    .flatMap(cache -> Stream.ofNullable(cache.registry()))
                    .flatMap(place -> Stream.ofNullable(place.secretRef())))
            .flatMap(secrets -> secrets)
            .map(
                secret ->
                    new Wanted(
                        BuilderPaths.SECRETS_REGISTRY,
                        secret.name(),
                        List.of(DOCKER_CONFIG),
                        false));
    var git =
        Sources.of(spec).stream()
            .flatMap(source -> Stream.ofNullable(source.git()))
            .flatMap(source -> Stream.ofNullable(source.secretRef()))
            .map(secret -> new Wanted(BuilderPaths.SECRETS_GIT, secret.name(), GIT_KEYS, false));
    return Stream.of(registry, git, mounted(spec)).flatMap(all -> all).distinct().toList();
  }

  private static Stream<Wanted> mounted(ImageBuildSpec spec) {
    var keys = new TreeMap<String, Set<String>>();
    Stream.<Mounted>concat(
            Stream.ofNullable(spec.secrets()).flatMap(List::stream),
            Stream.ofNullable(spec.ssh()).flatMap(List::stream))
        .forEach(
            one ->
                keys.computeIfAbsent(one.secretRef().name(), name -> new TreeSet<>())
                    .add(one.key()));
    return keys.entrySet().stream()
        .map(
            entry ->
                new Wanted(
                    BuilderPaths.SECRETS_BUILD,
                    entry.getKey(),
                    List.copyOf(entry.getValue()),
                    true));
  }

  /** These and one Secret more. */
  SecretFiles with(Wanted wanted, List<String> keys) {
    var all = new TreeMap<>(folders);
    var folder = new TreeMap<>(all.getOrDefault(wanted.folder(), Map.<String, List<String>>of()));
    folder.put(wanted.name(), List.copyOf(keys));
    all.put(wanted.folder(), folder);
    return new SecretFiles(all);
  }
}
