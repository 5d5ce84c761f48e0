package build.kiln.operator.job;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.PreferredSchedulingTerm;
import io.fabric8.kubernetes.api.model.WeightedPodAffinityTerm;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The weights in an affinity. */
public final class Weights {
  private Weights() {}

  /** All of them. */
  public static Stream<Integer> of(@Nullable Affinity affinity) {
    if (affinity == null) {
      return Stream.empty();
    }
    var nodes =
        Optional.ofNullable(affinity.getNodeAffinity())
            .map(node -> node.getPreferredDuringSchedulingIgnoredDuringExecution())
            .stream()
            .flatMap(Collection::stream)
            .map(PreferredSchedulingTerm::getWeight);
    var pods =
        Stream.concat(
                Optional.ofNullable(affinity.getPodAffinity())
                    .map(pod -> pod.getPreferredDuringSchedulingIgnoredDuringExecution())
                    .stream(),
                Optional.ofNullable(affinity.getPodAntiAffinity())
                    .map(pod -> pod.getPreferredDuringSchedulingIgnoredDuringExecution())
                    .stream())
            .flatMap(Collection::stream)
            .map(WeightedPodAffinityTerm::getWeight);
    return Stream.concat(nodes, pods).filter(Objects::nonNull);
  }
}
