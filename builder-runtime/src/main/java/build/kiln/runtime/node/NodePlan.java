package build.kiln.runtime.node;

import build.kiln.runtime.cri.CriImage;
import build.kiln.runtime.node.NodeMemory.Seen;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is to become of each image of a node.
 *
 * @param verdicts what goes first, that which was unused for the longest time before the rest; then
 *     what stays
 * @param memory for the next run, if nothing is removed
 * @param stop why nothing may be removed; null if it may
 */
public record NodePlan(List<Verdict> verdicts, NodeMemory memory, @Nullable String stop) {
  /**
   * What is to become of an image.
   *
   * @param rule the field of the policy that says so; null if none does
   * @param detail for people
   */
  public record Verdict(
      CriImage image, Seen seen, NodeReason reason, @Nullable String rule, String detail) {}

  public NodePlan {
    verdicts = List.copyOf(verdicts);
  }

  /** What goes. */
  public Stream<Verdict> removals() {
    return verdicts.stream().filter(verdict -> !verdict.reason().keeps());
  }

  /** How many stay, by reason. */
  public Map<NodeReason, Integer> keptByReason() {
    Map<NodeReason, Integer> kept = new EnumMap<>(NodeReason.class);
    verdicts.stream()
        .filter(verdict -> verdict.reason().keeps())
        .forEach(verdict -> kept.merge(verdict.reason(), 1, Integer::sum));
    return kept;
  }
}
