package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Registry;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Rule;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.SecretRef;
import build.kiln.operator.job.SpecHash;
import build.kiln.operator.job.Weights;
import build.kiln.operator.scheduled.Timing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What CEL cannot see of a policy: a time zone that is none, a day that never comes, a pattern that
 * is none, a Secret that no pod could mount. What else is wrong, the run says.
 */
final class Validation {
  /** The work order is one ConfigMap, which etcd keeps under 1 MiB. */
  private static final int LARGEST_SPEC = 768 * 1024;

  private Validation() {}

  /**
   * What is wrong with a policy's spec, and what to do.
   *
   * @param namespace where its pods run
   */
  static Optional<String> problem(ImagePrunePolicy policy, String namespace) {
    return policy.unreadable().or(() -> problem(policy.getSpec(), namespace));
  }

  private static Optional<String> problem(@Nullable ImagePrunePolicySpec spec, String namespace) {
    if (spec == null) {
      return Optional.of("spec is missing");
    }
    List<Supplier<Optional<String>>> checks =
        List.of(
            () -> something(spec),
            () -> timing(spec),
            () -> duration("timeout", spec.timeout()),
            () -> duration("history.ttl", spec.history().ttl()),
            () -> patterns(spec),
            () -> secrets(spec, namespace),
            () -> pod(spec),
            () -> size(spec));
    return checks.stream().map(Supplier::get).flatMap(Optional::stream).findFirst();
  }

  private static Optional<String> something(ImagePrunePolicySpec spec) {
    return spec.images().isEmpty() && spec.caches().isEmpty() && spec.builds() == null
        ? Optional.of(
            "spec needs registries, cache or builds: without them there is nothing to prune")
        : Optional.empty();
  }

  private static Optional<String> timing(ImagePrunePolicySpec spec) {
    try {
      Timing.parse(spec.schedule(), spec.timeZone(), null);
      return spec.timeZone() != null && spec.schedule() == null
          ? Optional.of("spec.timeZone is the zone of spec.schedule, which is missing")
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + e.getMessage());
    }
  }

  private static Optional<String> duration(String field, String text) {
    try {
      Durations.parse(text);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + field + ": " + e.getMessage());
    }
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
        .flatMap(pattern -> pattern(pattern.getKey(), pattern.getValue()).stream())
        .findFirst();
  }

  private static Optional<String> pattern(String field, String text) {
    try {
      Pattern.compile(text);
      return Optional.empty();
    } catch (PatternSyntaxException e) {
      return Optional.of(
          "spec.%s: \"%s\" is no regular expression: %s"
              .formatted(field, text, e.getDescription()));
    }
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

  private static Optional<String> pod(ImagePrunePolicySpec spec) {
    var pod = spec.podTemplate();
    if (pod == null) {
      return Optional.empty();
    }
    var resources =
        pod.resources() == null
            ? Optional.<String>empty()
            : Stream.of(pod.resources().getLimits(), pod.resources().getRequests())
                .filter(Objects::nonNull)
                .flatMap(quantities -> quantities.entrySet().stream())
                .filter(quantity -> quantity.getValue().getNumericalAmount().signum() < 0)
                .map(
                    quantity ->
                        "spec.podTemplate.resources: %s is %s, less than 0"
                            .formatted(quantity.getKey(), quantity.getValue()))
                .findFirst();
    return resources.or(
        () ->
            Weights.of(pod.affinity())
                .filter(weight -> weight < 1 || weight > 100)
                .map(
                    "spec.podTemplate.affinity: a weight is %d, and must be from 1 to 100"
                        ::formatted)
                .findFirst());
  }

  private static Optional<String> size(ImagePrunePolicySpec spec) {
    int size = SpecHash.size(spec);
    return size <= LARGEST_SPEC
        ? Optional.empty()
        : Optional.of(
            "the spec has %d KiB, more than the %d KiB that a work order can hold: write several ImagePrunePolicies"
                .formatted(size / 1024, LARGEST_SPEC / 1024));
  }

  private static <T> List<T> orNone(@Nullable List<T> list) {
    return list == null ? List.of() : list;
  }
}
