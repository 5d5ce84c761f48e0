package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.operator.imagebuild.Readiness.Missing;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;
import java.util.Optional;

/**
 * What a build needs of its namespace. Read with {@code get} when it is needed, never watched: the
 * operator has no right to list Secrets, and no memory for them.
 */
final class Surroundings {
  private final KubernetesClient client;

  Surroundings(KubernetesClient client) {
    this.client = client;
  }

  /** The Secrets' keys, or what is missing. */
  sealed interface Found {
    record All(SecretFiles secrets) implements Found {}

    record Lacking(Missing missing) implements Found {}
  }

  Found look(ImageBuild build) {
    var namespace = build.getMetadata().getNamespace();
    var files = SecretFiles.NONE;
    for (var wanted : SecretFiles.wanted(build.getSpec())) {
      var secret = client.secrets().inNamespace(namespace).withName(wanted.name()).get();
      if (secret == null) {
        return lacking(
            FailureReason.SecretNotFound,
            "Secret %s does not exist in namespace %s. It is picked up when it appears"
                .formatted(wanted.name(), namespace));
      }
      var keys = wanted.keysOf(secret.getData());
      if (keys.isEmpty()) {
        return lacking(
            FailureReason.SecretNotFound,
            "Secret %s in namespace %s lacks %s. It is picked up when it has it"
                .formatted(wanted.name(), namespace, wanted.keysInWords()));
      }
      files = files.with(wanted, keys);
    }
    for (var source : Sources.of(build.getSpec())) {
      var missing =
          source.configMap() == null
              ? Optional.<Missing>empty()
              : configMap(source.configMap(), namespace);
      if (missing.isPresent()) {
        return new Found.Lacking(missing.get());
      }
    }
    return new Found.All(files);
  }

  private Optional<Missing> configMap(ConfigMapSource source, String namespace) {
    var name = source.name();
    var map = client.configMaps().inNamespace(namespace).withName(name).get();
    if (map == null) {
      return Optional.of(
          new Missing(
              FailureReason.SourceNotFound,
              "ConfigMap %s does not exist in namespace %s. It is picked up when it appears"
                  .formatted(name, namespace)));
    }
    return requireNonNullElse(source.items(), List.<ConfigMapSource.Item>of()).stream()
        .map(ConfigMapSource.Item::key)
        .filter(
            key ->
                (map.getData() == null || !map.getData().containsKey(key))
                    && (map.getBinaryData() == null || !map.getBinaryData().containsKey(key)))
        .findFirst()
        .map(
            key ->
                new Missing(
                    FailureReason.SourceNotFound,
                    "ConfigMap %s in namespace %s has no key %s. It is picked up when it appears"
                        .formatted(name, namespace, key)));
  }

  private static Found lacking(FailureReason reason, String message) {
    return new Found.Lacking(new Missing(reason, message));
  }
}
