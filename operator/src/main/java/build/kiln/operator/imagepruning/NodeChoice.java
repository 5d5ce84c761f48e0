package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Nodes;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.NodeStatus;
import io.fabric8.kubernetes.api.model.Taint;
import io.fabric8.kubernetes.api.model.Toleration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which nodes a policy prunes. Pure.
 *
 * @param chosen by name
 * @param skipped those of the selector that no pod would run on, with the reason
 */
record NodeChoice(List<Node> chosen, List<Skipped> skipped) {
  private static final String OS = "kubernetes.io/os";
  private static final Set<String> KEEP_PODS_AWAY = Set.of("NoSchedule", "NoExecute");

  /** A node that is passed over. */
  record Skipped(Node node, String why) {}

  /**
   * @param always tolerations that all pods have
   */
  static NodeChoice of(Collection<Node> nodes, Nodes rules, List<Toleration> always) {
    var tolerated =
        Stream.concat(
                always.stream(),
                requireNonNullElse(rules.tolerations(), List.<Toleration>of()).stream())
            .toList();
    List<Node> chosen = new ArrayList<>();
    List<Skipped> skipped = new ArrayList<>();
    nodes.stream()
        .filter(node -> selected(node, rules))
        .sorted(Comparator.comparing(node -> node.getMetadata().getName()))
        .forEach(
            node ->
                obstacle(node, tolerated)
                    .ifPresentOrElse(
                        why -> skipped.add(new Skipped(node, why)), () -> chosen.add(node)));
    return new NodeChoice(chosen, skipped);
  }

  private static boolean selected(Node node, Nodes rules) {
    var labels = labels(node);
    return requireNonNullElse(rules.selector(), Map.<String, String>of()).entrySet().stream()
        .allMatch(wanted -> wanted.getValue().equals(labels.get(wanted.getKey())));
  }

  private static Optional<String> obstacle(Node node, List<Toleration> tolerated) {
    if (node.getMetadata().getDeletionTimestamp() != null) {
      return Optional.of("it is being deleted");
    }
    if (!labels(node).getOrDefault(OS, "linux").equals("linux")) {
      return Optional.of("it is not of Linux");
    }
    return taints(node)
        .filter(taint -> KEEP_PODS_AWAY.contains(taint.getEffect()))
        .filter(taint -> tolerated.stream().noneMatch(one -> tolerates(one, taint)))
        .map(taint -> "it has the taint %s:%s".formatted(taint.getKey(), taint.getEffect()))
        .findFirst()
        .or(() -> ready(node) ? Optional.empty() : Optional.of("it is not ready"));
  }

  private static boolean tolerates(Toleration toleration, Taint taint) {
    if (toleration.getEffect() != null
        && !toleration.getEffect().isEmpty()
        && !toleration.getEffect().equals(taint.getEffect())) {
      return false;
    }
    String key = requireNonNullElse(toleration.getKey(), "");
    return switch (requireNonNullElse(toleration.getOperator(), "Equal")) {
      case "Exists" -> key.isEmpty() || key.equals(taint.getKey());
      case "Equal" ->
          key.equals(taint.getKey())
              && requireNonNullElse(toleration.getValue(), "")
                  .equals(requireNonNullElse(taint.getValue(), ""));
      default -> false;
    };
  }

  private static boolean ready(Node node) {
    return Stream.ofNullable(node.getStatus())
        .map(NodeStatus::getConditions)
        .flatMap(List::stream)
        .filter(condition -> "Ready".equals(condition.getType()))
        .map(NodeCondition::getStatus)
        .anyMatch("True"::equals);
  }

  private static Stream<Taint> taints(Node node) {
    return Stream.ofNullable(node.getSpec()).map(NodeSpec::getTaints).flatMap(List::stream);
  }

  private static Map<String, String> labels(Node node) {
    return requireNonNullElse(node.getMetadata().getLabels(), Map.of());
  }
}
