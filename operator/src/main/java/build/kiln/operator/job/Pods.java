package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a pod's status says, where it says something. */
public final class Pods {
  /** A pod that is being deleted is waited for so long past its grace period, no longer. */
  private static final Duration LEAVES_WITHIN = Duration.ofSeconds(30);

  private Pods() {}

  /** Whether nothing of a pod runs any more. */
  public static boolean over(Pod pod) {
    return phaseIs(pod, "Succeeded") || phaseIs(pod, "Failed");
  }

  public static boolean phaseIs(Pod pod, String phase) {
    return pod.getStatus() != null && phase.equals(pod.getStatus().getPhase());
  }

  /** When the last of its containers ended; empty if nobody says. */
  public static Optional<Instant> ended(Pod pod) {
    return containers(pod).stream()
        .flatMap(status -> Stream.ofNullable(status.getState()))
        .flatMap(state -> Stream.ofNullable(state.getTerminated()))
        .flatMap(end -> Stream.ofNullable(end.getFinishedAt()))
        .flatMap(time -> Times.parse(time).stream())
        .max(Comparator.naturalOrder());
  }

  /** Whether a pod of an earlier run may still be at work, so that another must not begin. */
  public static boolean inTheWay(Pod pod, long run, Instant now) {
    if (Labels.number(pod, Labels.RUN) >= run || over(pod)) {
      return false;
    }
    var leaves = pod.getMetadata().getDeletionTimestamp();
    return leaves == null || now.isBefore(Instant.parse(leaves).plus(LEAVES_WITHIN));
  }

  static List<ContainerStatus> containers(Pod pod) {
    return pod.getStatus() == null || pod.getStatus().getContainerStatuses() == null
        ? List.of()
        : pod.getStatus().getContainerStatuses();
  }

  static List<PodCondition> conditions(Pod pod) {
    return pod.getStatus() == null
        ? List.of()
        : requireNonNullElse(pod.getStatus().getConditions(), List.of());
  }
}
