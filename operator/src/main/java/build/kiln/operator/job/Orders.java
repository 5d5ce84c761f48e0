package build.kiln.operator.job;

import build.kiln.api.work.WorkOrder;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The immutable ConfigMaps that carry work orders into pods. */
public final class Orders {
  /** The order's key. */
  static final String KEY = "order.json";

  /** The folder of trusted certificates in the pod. */
  static final String CA_DIRECTORY = "/kiln/work/ca";

  /** Before the names of certificates in the ConfigMap, so that none can take the order's place. */
  static final String CA_PREFIX = "ca.";

  private Orders() {}

  /**
   * Makes one for a Job; owned by the resource until the Job exists.
   *
   * @param order its JSON
   * @param caFiles trusted certificates by file name
   */
  public static ConfigMap map(JobSpec job, String order, Map<String, String> caFiles) {
    Map<String, String> data = new HashMap<>();
    data.put(KEY, order);
    caFiles.forEach((name, text) -> data.put(CA_PREFIX + name, text));
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(job.name())
        .withNamespace(job.namespace())
        .withLabels(job.labels())
        .withOwnerReferences(job.owner())
        .endMetadata()
        .withImmutable(true)
        .withData(data)
        .build();
  }

  /** The JSON of an order; empty if the ConfigMap holds none. */
  public static Optional<String> text(@Nullable ConfigMap map) {
    return map == null || map.getData() == null
        ? Optional.empty()
        : Optional.ofNullable(map.getData().get(KEY));
  }

  /** A resource's metadata without what the API server keeps in them. */
  public static ObjectMeta asApplied(HasMetadata resource) {
    return new ObjectMetaBuilder()
        .withName(resource.getMetadata().getName())
        .withNamespace(resource.getMetadata().getNamespace())
        .withUid(resource.getMetadata().getUid())
        .withGeneration(resource.getMetadata().getGeneration())
        .build();
  }

  /**
   * What the installation decides.
   *
   * @param namespace of the run, for which {@code {namespace}} in patterns stands
   * @param certificates whether the order's ConfigMap has trusted certificates
   */
  public static WorkOrder.Settings settings(
      Settings settings, String namespace, boolean certificates) {
    return new WorkOrder.Settings(
        settings.mirrors(),
        settings.insecureRegistries(),
        certificates ? CA_DIRECTORY : null,
        inNamespace(settings.allowedBases(), namespace),
        inNamespace(settings.allowedOutputs(), namespace),
        settings.proxies());
  }

  private static List<String> inNamespace(List<String> patterns, String namespace) {
    return patterns.stream().map(pattern -> pattern.replace("{namespace}", namespace)).toList();
  }
}
