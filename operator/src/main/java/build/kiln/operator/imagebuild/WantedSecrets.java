package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.Mounted;
import build.kiln.api.work.BuilderPaths;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.job.SecretFiles.Wanted;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The Secrets that a build needs. */
final class WantedSecrets {
  private static final List<String> GIT_KEYS =
      List.of("username", "password", "ssh-privatekey", "known_hosts");

  private WantedSecrets() {}

  /** The Secrets that a spec names, each once. */
  static List<Wanted> of(ImageBuildSpec spec) {
    var registry =
        Stream.of(
                Stream.ofNullable(spec.registrySecrets()).flatMap(List::stream),
                Stream.ofNullable(spec.output().secretRef()),
                Stream.ofNullable(spec.cache())
                    .flatMap(cache -> Stream.ofNullable(cache.registry()))
                    .flatMap(place -> Stream.ofNullable(place.secretRef())))
            .flatMap(secrets -> secrets)
            .map(secret -> SecretFiles.login(secret.name()));
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
}
