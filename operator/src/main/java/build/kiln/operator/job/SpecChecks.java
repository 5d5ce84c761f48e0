package build.kiln.operator.job;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import io.fabric8.kubernetes.api.model.Toleration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is checked of a spec of any kind before a run is made of it, where its schema cannot or is
 * not enforced. Each gives what is wrong, with the field's name and what to do; empty if nothing
 * is.
 */
public final class SpecChecks {
  /** Bytes of JSON; a ConfigMap holds 1 MiB, and a work order has more than the spec. */
  public static final int LARGEST = 768 * 1024;

  private static final Set<String> OPERATORS = Set.of("", "Exists", "Equal");
  private static final Set<String> EFFECTS =
      Set.of("", "NoSchedule", "PreferNoSchedule", "NoExecute");

  private SpecChecks() {}

  /**
   * @param field below {@code spec}
   */
  public static Optional<String> duration(String field, String text) {
    try {
      Durations.parse(text);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("spec." + field + ": " + e.getMessage());
    }
  }

  /**
   * @param field below {@code spec}
   */
  public static Optional<String> regex(String field, String text) {
    try {
      Pattern.compile(text);
      return Optional.empty();
    } catch (PatternSyntaxException e) {
      return Optional.of(
          "spec.%s: \"%s\" is no regular expression: %s"
              .formatted(field, text, e.getDescription()));
    }
  }

  /** Whether the resources and the affinity are such as the API server takes. */
  public static Optional<String> pod(@Nullable PodTemplate pod) {
    return pod == null ? Optional.empty() : resources(pod).or(() -> weights(pod));
  }

  /**
   * Whether a work order can hold it.
   *
   * @param advice what to do about a spec that is too large
   */
  public static Optional<String> size(Record spec, String advice) {
    int size = SpecHash.size(spec);
    return size <= LARGEST
        ? Optional.empty()
        : Optional.of(
            "the spec has %d KiB, more than the %d KiB that a work order can hold: %s"
                .formatted(size / 1024, LARGEST / 1024, advice));
  }

  /**
   * Whether tolerations are such as the API server takes.
   *
   * @param field below {@code spec}
   */
  public static Optional<String> tolerations(String field, @Nullable List<Toleration> tolerations) {
    List<Toleration> all = tolerations == null ? List.of() : tolerations;
    for (int i = 0; i < all.size(); i++) {
      Optional<String> problem = toleration(all.get(i));
      if (problem.isPresent()) {
        return Optional.of("spec.%s[%d]: %s".formatted(field, i, problem.get()));
      }
    }
    return Optional.empty();
  }

  private static Optional<String> toleration(Toleration toleration) {
    String operator = Objects.requireNonNullElse(toleration.getOperator(), "");
    String effect = Objects.requireNonNullElse(toleration.getEffect(), "");
    String key = Objects.requireNonNullElse(toleration.getKey(), "");
    if (!OPERATORS.contains(operator)) {
      return Optional.of("operator is \"%s\", and must be Exists or Equal".formatted(operator));
    }
    if (!EFFECTS.contains(effect)) {
      return Optional.of(
          "effect is \"%s\", and must be NoSchedule, PreferNoSchedule or NoExecute, or not set"
              .formatted(effect));
    }
    if (toleration.getTolerationSeconds() != null && !effect.equals("NoExecute")) {
      return Optional.of("tolerationSeconds is for the effect NoExecute only");
    }
    if (!operator.equals("Exists")) {
      return key.isEmpty()
          ? Optional.of("key is missing: only the operator Exists is for all taints")
          : Optional.empty();
    }
    String value = Objects.requireNonNullElse(toleration.getValue(), "");
    return value.isEmpty()
        ? Optional.empty()
        : Optional.of("the operator Exists takes no value, and there is \"%s\"".formatted(value));
  }

  private static Optional<String> resources(PodTemplate pod) {
    if (pod.resources() == null) {
      return Optional.empty();
    }
    return Stream.of(pod.resources().getLimits(), pod.resources().getRequests())
        .filter(Objects::nonNull)
        .flatMap(quantities -> quantities.entrySet().stream())
        .filter(quantity -> quantity.getValue().getNumericalAmount().signum() < 0)
        .map(
            quantity ->
                "spec.podTemplate.resources: %s is %s, less than 0"
                    .formatted(quantity.getKey(), quantity.getValue()))
        .findFirst();
  }

  private static Optional<String> weights(PodTemplate pod) {
    return Weights.of(pod.affinity())
        .filter(weight -> weight < 1 || weight > 100)
        .map("spec.podTemplate.affinity: a weight is %d, and must be from 1 to 100"::formatted)
        .findFirst();
  }
}
