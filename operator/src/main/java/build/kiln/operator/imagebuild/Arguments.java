package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec.BuildArg;
import build.kiln.operator.imagebuild.Readiness.Missing;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The values of build arguments that are in ConfigMaps. Read with {@code get} when they are needed,
 * never watched.
 */
final class Arguments {
  /** As long as a value in the spec may be. */
  static final int LONGEST = 32 * 1024;

  /** Beside the spec they are in the order's ConfigMap. */
  private static final int MOST = 128 * 1024;

  private final KubernetesClient client;

  Arguments(KubernetesClient client) {
    this.client = client;
  }

  /** The values, or what is missing. */
  sealed interface Found {
    /**
     * @param values by the arguments' names
     */
    record All(Map<String, String> values) implements Found {}

    record Lacking(Missing missing) implements Found {}
  }

  /** Whether any value is in a ConfigMap. */
  static boolean areElsewhere(ImageBuild build) {
    return build.getSpec() != null && !elsewhere(build).isEmpty();
  }

  private static List<BuildArg> elsewhere(ImageBuild build) {
    return Stream.ofNullable(build.getSpec().buildArgs())
        .flatMap(List::stream)
        .filter(arg -> arg.valueFrom() != null)
        .toList();
  }

  /** Looks them up, each ConfigMap once. */
  Found look(ImageBuild build) {
    var namespace = build.getMetadata().getNamespace();
    Map<String, Optional<ConfigMap>> maps = new HashMap<>();
    var values = new TreeMap<String, String>();
    for (var arg : elsewhere(build)) {
      var from = arg.valueFrom();
      if (from == null) {
        continue;
      }
      var key = from.configMapKeyRef();
      var map =
          maps.computeIfAbsent(
              key.name(),
              name ->
                  Optional.ofNullable(
                      client.configMaps().inNamespace(namespace).withName(name).get()));
      if (map.isEmpty()) {
        return lacking(
            FailureReason.SourceNotFound,
            "ConfigMap %s of build argument %s does not exist in namespace %s. It is picked up when it appears"
                .formatted(key.name(), arg.name(), namespace));
      }
      var value = value(map.get(), key.key());
      if (value == null) {
        return lacking(
            FailureReason.SourceNotFound,
            "ConfigMap %s in namespace %s has no key %s with a text, for build argument %s. It is picked up when it has it"
                .formatted(key.name(), namespace, key.key(), arg.name()));
      }
      values.put(arg.name(), value);
      if (value.length() > LONGEST
          || values.values().stream().mapToInt(String::length).sum() > MOST) {
        return lacking(
            FailureReason.SpecInvalid,
            "key %s of ConfigMap %s is too long for build argument %s: a value has at most %d KiB, those of all ConfigMaps %d KiB. It is tried again"
                .formatted(key.key(), key.name(), arg.name(), LONGEST / 1024, MOST / 1024));
      }
    }
    return new Found.All(values);
  }

  private static @Nullable String value(ConfigMap map, String key) {
    return map.getData() == null ? null : map.getData().get(key);
  }

  private static Found lacking(FailureReason reason, String message) {
    return new Found.Lacking(new Missing(reason, message));
  }
}
