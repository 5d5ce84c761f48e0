package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The immutable ConfigMap that carries a work order into the builder pod. */
final class OrderMap {
  private OrderMap() {}

  /**
   * Makes it; owned by the ImageBuild until its Job exists.
   *
   * @param caFiles trusted certificates by file name
   */
  static ConfigMap of(JobTemplate job, Map<String, String> caFiles, String nonce) {
    Map<String, String> data = new HashMap<>();
    data.put(PodMounts.ORDER_KEY, Records.order(order(job, !caFiles.isEmpty(), nonce)));
    caFiles.forEach((name, text) -> data.put(PodMounts.CA_PREFIX + name, text));
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(job.name())
        .withNamespace(job.build().getMetadata().getNamespace())
        .withLabels(job.labels())
        .withOwnerReferences(job.owner())
        .endMetadata()
        .withImmutable(true)
        .withData(data)
        .build();
  }

  /** The nonce of an order; empty if the ConfigMap is no order of ours. */
  static Optional<String> nonce(@Nullable ConfigMap map) {
    var text = map == null || map.getData() == null ? null : map.getData().get(PodMounts.ORDER_KEY);
    if (text == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Records.readOrder(text).resolved().nonce());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static WorkOrder order(JobTemplate job, boolean certificates, String nonce) {
    var tags =
        job.build().getSpec().output().tags().stream()
            .map(tag -> tag.replace("{{run}}", String.valueOf(job.run())))
            .toList();
    return new WorkOrder(
        asApplied(job.build()),
        new WorkOrder.Resolved(
            job.run(),
            job.attempt(),
            null,
            job.arguments().isEmpty() ? null : job.arguments(),
            tags,
            job.tier(),
            nonce),
        settings(job.settings(), job.build().getMetadata().getNamespace(), certificates));
  }

  /** The resource without status and without what the API server keeps in its metadata. */
  private static ImageBuild asApplied(ImageBuild build) {
    var clean = new ImageBuild();
    clean.setMetadata(
        new ObjectMetaBuilder()
            .withName(build.getMetadata().getName())
            .withNamespace(build.getMetadata().getNamespace())
            .withUid(build.getMetadata().getUid())
            .withGeneration(build.getMetadata().getGeneration())
            .build());
    clean.setSpec(build.getSpec());
    return clean;
  }

  private static WorkOrder.Settings settings(
      Settings settings, String namespace, boolean certificates) {
    return new WorkOrder.Settings(
        settings.mirrors(),
        settings.insecureRegistries(),
        certificates ? PodMounts.CA_DIRECTORY : null,
        inNamespace(settings.allowedBases(), namespace),
        inNamespace(settings.allowedOutputs(), namespace),
        settings.proxies());
  }

  private static List<String> inNamespace(List<String> patterns, String namespace) {
    return patterns.stream().map(pattern -> pattern.replace("{namespace}", namespace)).toList();
  }
}
