package build.kiln.operator.job;

import build.kiln.api.work.BuilderPaths;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The keys of the Secrets that a builder pod mounts, by folder below {@link BuilderPaths#SECRETS}
 * and name of the Secret. Contents are never here.
 */
public record SecretFiles(Map<String, Map<String, List<String>>> folders) {
  public static final SecretFiles NONE = new SecretFiles(Map.of());

  public static final String DOCKER_CONFIG = ".dockerconfigjson";

  /**
   * A Secret that a spec names.
   *
   * @param keys those that the builder reads
   * @param all whether it needs all of them, not only one
   */
  public record Wanted(String folder, String name, List<String> keys, boolean all) {
    /** Which of a Secret's keys the builder reads; none means that the Secret is of no use. */
    public List<String> keysOf(@Nullable Map<String, String> data) {
      if (data == null || all && !data.keySet().containsAll(keys)) {
        return List.of();
      }
      return keys.stream().filter(data::containsKey).toList();
    }

    /** What the Secret must hold, in words. */
    public String keysInWords() {
      return switch (folder) {
        case BuilderPaths.SECRETS_GIT -> "username and password, or ssh-privatekey and known_hosts";
        case BuilderPaths.SECRETS_BUILD, BuilderPaths.SECRETS_KEYS ->
            keys.size() == 1
                ? "the key " + keys.getFirst()
                : "some of the keys " + String.join(", ", keys);
        default ->
            DOCKER_CONFIG
                + " (make it with kubectl create secret docker-registry %s)".formatted(name);
      };
    }
  }

  /** A login to registries. */
  public static Wanted login(String secret) {
    return new Wanted(BuilderPaths.SECRETS_REGISTRY, secret, List.of(DOCKER_CONFIG), false);
  }

  /** These and one Secret more. */
  public SecretFiles with(Wanted wanted, List<String> keys) {
    var all = new TreeMap<>(folders);
    var folder = new TreeMap<>(all.getOrDefault(wanted.folder(), Map.<String, List<String>>of()));
    folder.put(wanted.name(), List.copyOf(keys));
    all.put(wanted.folder(), folder);
    return new SecretFiles(all);
  }
}
