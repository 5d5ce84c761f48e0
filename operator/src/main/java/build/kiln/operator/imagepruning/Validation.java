package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Registry;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Rule;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.SecretRef;
import build.kiln.operator.job.SpecChecks;
import build.kiln.operator.scheduled.Timing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What CEL cannot see of a policy: a time zone that is none, a day that never comes, a pattern that
 * is none, a Secret that no pod could mount. What else is wrong, the run says.
 */
final class Validation {
  private Validation() {}

  /**
   * What is wrong with a policy's spec, and what to do.
   *
   * @param namespace where its pods run
   * @param nodes whether the installation lets nodes be pruned
   */
  static Optional<String> problem(ImagePrunePolicy policy, String namespace, boolean nodes) {
    return policy.unreadable().or(() -> problem(policy.getSpec(), namespace, nodes));
  }

  private static Optional<String> problem(
      @Nullable ImagePrunePolicySpec spec, String namespace, boolean nodes) {
    if (spec == null) {
      return Optional.of("spec is missing");
    }
    List<Supplier<Optional<String>>> checks =
        List.of(
            () -> something(spec),
            () -> nodes(spec, nodes),
            () -> Timing.problem(spec.schedule(), spec.timeZone(), null),
            () -> SpecChecks.duration("timeout", spec.timeout()),
            () -> SpecChecks.duration("history.ttl", spec.history().ttl()),
            () -> patterns(spec),
            () -> secrets(spec, namespace),
            () -> SpecChecks.pod(spec.podTemplate()),
            () -> SpecChecks.size(spec, "write several ImagePrunePolicies"));
    return checks.stream().map(Supplier::get).flatMap(Optional::stream).findFirst();
  }

  private static Optional<String> something(ImagePrunePolicySpec spec) {
    return spec.images().isEmpty()
            && spec.caches().isEmpty()
            && spec.builds() == null
            && spec.nodes() == null
        ? Optional.of(
            "spec needs registries, cache, builds or nodes: without them there is nothing to prune")
        : Optional.empty();
  }

  private static Optional<String> nodes(ImagePrunePolicySpec spec, boolean allowed) {
    var nodes = spec.nodes();
    if (nodes == null) {
      return Optional.empty();
    }
    return allowed
        ? SpecChecks.duration("nodes.unusedFor", nodes.unusedFor())
            .or(() -> SpecChecks.duration("gracePeriod", spec.gracePeriod()))
            .or(() -> labels(spec))
            .or(() -> SpecChecks.tolerations("nodes.tolerations", nodes.tolerations()))
        : Optional.of(
            "spec.nodes is refused: this installation does not prune nodes. Whoever installed Kiln sets nodes.enabled of the chart to true; or remove spec.nodes");
  }

  /** Of policies that were there before the schema said so. */
  private static Optional<String> labels(ImagePrunePolicySpec spec) {
    return orNone(spec.protect().labels()).isEmpty()
        ? Optional.empty()
        : Optional.of(ImagePrunePolicySpec.LABELS_AND_NODES);
  }

  private static Optional<String> patterns(ImagePrunePolicySpec spec) {
    Map<String, String> patterns = new LinkedHashMap<>();
    for (int i = 0; i < spec.images().size(); i++) {
      List<Rule> rules = orNone(spec.images().get(i).rules());
      for (int j = 0; j < rules.size(); j++) {
        String regex = rules.get(j).match().regex();
        if (regex != null) {
          patterns.put("registries[%d].rules[%d].match.regex".formatted(i, j), regex);
        }
      }
    }
    List<String> tags = orNone(spec.protect().tags());
    for (int i = 0; i < tags.size(); i++) {
      patterns.put("protect.tags[%d]".formatted(i), tags.get(i));
    }
    return patterns.entrySet().stream()
        .flatMap(pattern -> SpecChecks.regex(pattern.getKey(), pattern.getValue()).stream())
        .findFirst();
  }

  private static Optional<String> secrets(ImagePrunePolicySpec spec, String namespace) {
    List<SecretRef> secrets = new ArrayList<>();
    spec.images().stream().map(Registry::secretRef).filter(Objects::nonNull).forEach(secrets::add);
    spec.caches().stream()
        .map(ImagePrunePolicySpec.Cache::secretRef)
        .filter(Objects::nonNull)
        .forEach(secrets::add);
    var report = spec.report();
    if (report != null && report.secretRef() != null) {
      secrets.add(report.secretRef());
    }
    return secrets.stream()
        .filter(secret -> !namespace.equals(secret.namespace()))
        .map(
            secret ->
                "the Secret %s/%s is of no use: the pods that prune run in namespace %s and see its Secrets only; put it there"
                    .formatted(secret.namespace(), secret.name(), namespace))
        .findFirst();
  }

  private static <T> List<T> orNone(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }
}
