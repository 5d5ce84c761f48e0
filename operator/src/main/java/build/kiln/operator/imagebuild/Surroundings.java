package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.operator.imagebuild.Readiness.Missing;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.job.SecretLookup;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a build needs of its namespace. Read with {@code get} when it is needed, never watched. */
final class Surroundings {
  private final KubernetesClient client;
  private final SecretLookup secrets;

  Surroundings(KubernetesClient client) {
    this.client = client;
    this.secrets = new SecretLookup(client);
  }

  /** The Secrets' keys, or what is missing. */
  sealed interface Found {
    record All(SecretFiles secrets) implements Found {}

    record Lacking(Missing missing) implements Found {}
  }

  Found look(ImageBuild build) {
    var namespace = build.getMetadata().getNamespace();
    return switch (secrets.look(namespace, WantedSecrets.of(build.getSpec()))) {
      case SecretLookup.Lacking lacking ->
          new Found.Lacking(new Missing(FailureReason.SecretNotFound, lacking.message()));
      case SecretLookup.All all ->
          sources(build.getSpec(), namespace)
              .<Found>map(Found.Lacking::new)
              .orElseGet(() -> new Found.All(all.files()));
    };
  }

  private Optional<Missing> sources(ImageBuildSpec spec, String namespace) {
    return Sources.of(spec).stream()
        .flatMap(source -> Stream.ofNullable(source.configMap()))
        .flatMap(map -> configMap(map, namespace).stream())
        .findFirst();
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
}
