package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Text;
import build.kiln.operator.job.JobState.NoUserNamespaces;
import build.kiln.operator.job.JobState.Waiting;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Why a Job has no pod that runs: from the pod's status, else from the cluster's events. */
final class Blockers {
  private static final Set<String> IMAGE =
      Set.of(
          "ErrImagePull",
          "ImagePullBackOff",
          "InvalidImageName",
          "ErrImageNeverPull",
          "ImageInspectError",
          "RegistryUnavailable");

  /** What runtimes say where they know no user namespaces, or no fresh /proc in them. */
  private static final Pattern NO_USER_NAMESPACE =
      Pattern.compile("(?i)user.?namespace|userns|uid.?map|id.?mapped|procmount");

  /** What kubelet says where a Secret or its key is gone: of the environment, of a volume. */
  private static final Pattern SECRET =
      Pattern.compile("(?i)secret \\S+ not found|key \\S+ in secret|non-existent secret key");

  private static final Pattern CONFIG_MAP =
      Pattern.compile("(?i)configmap \\S+ not found|key \\S+ in configmap|non-existent config key");

  private Blockers() {}

  /** Reads a Job without a pod. */
  static JobState withoutPod(List<EventNote> events) {
    return new Waiting(
        events.stream()
            .filter(event -> event.reason().equals("FailedCreate"))
            .map(EventNote::message)
            .reduce((earlier, later) -> later)
            .map(Blockers::refused));
  }

  private static Blocker refused(String message) {
    return message.contains("exceeded quota")
        ? new Blocker(
            FailureReason.QuotaExceeded,
            "a quota of the namespace forbids the builder pod: %s. It starts by itself when there is room; or lower podTemplate.resources"
                .formatted(message))
        : new Blocker(
            FailureReason.PodRefused,
            "the builder pod is refused: %s. Change podTemplate (of a build, or isolation), or the policy"
                .formatted(message));
  }

  /** Reads a pod that does not run yet. */
  static JobState pending(Pod pod, List<EventNote> events, Instant now, Duration grace) {
    var unschedulable =
        Pods.conditions(pod).stream()
            .filter(condition -> "PodScheduled".equals(condition.getType()))
            .filter(condition -> "False".equals(condition.getStatus()))
            .filter(condition -> "Unschedulable".equals(condition.getReason()))
            .filter(condition -> lasted(condition.getLastTransitionTime(), pod, now, grace))
            .findFirst();
    if (unschedulable.isPresent()) {
      return blocked(
          FailureReason.Unschedulable,
          "no node takes the builder pod: %s It starts by itself when one does; or change podTemplate (resources, nodeSelector, tolerations)"
              .formatted(PodFailures.sentence(Text.orEmpty(unschedulable.get().getMessage()))));
    }
    var waiting =
        Pods.containers(pod).stream()
            .flatMap(status -> Optional.ofNullable(status.getState()).stream())
            .flatMap(state -> Optional.ofNullable(state.getWaiting()).stream())
            .findFirst();
    boolean lasted = lasted(pod.getMetadata().getCreationTimestamp(), pod, now, grace);
    if (waiting.isPresent()) {
      var reason = Text.orEmpty(waiting.get().getReason());
      if (IMAGE.contains(reason) && (lasted || reason.equals("InvalidImageName"))) {
        return blocked(
            FailureReason.BuilderImageUnavailable,
            "the builder's own image %s cannot be pulled (%s): %s. Whoever installed Kiln sets builderImage and its pull Secrets"
                .formatted(
                    pod.getSpec().getContainers().getFirst().getImage(),
                    reason,
                    Text.orEmpty(waiting.get().getMessage())));
      }
      if (reason.equals("CreateContainerConfigError")) {
        return config(waiting.get());
      }
      if (lasted && startError(reason)) {
        return notStarted(Text.orEmpty(waiting.get().getMessage()));
      }
    }
    return lasted ? fromEvents(events) : new Waiting(Optional.empty());
  }

  private static JobState config(ContainerStateWaiting waiting) {
    var message = Text.orEmpty(waiting.getMessage());
    if (SECRET.matcher(message).find()) {
      return blocked(FailureReason.SecretNotFound, message + ". It is picked up when it appears");
    }
    if (CONFIG_MAP.matcher(message).find()) {
      return blocked(FailureReason.SourceNotFound, message + ". It is picked up when it appears");
    }
    return blocked(FailureReason.PodRefused, "the node refuses the builder pod: " + message);
  }

  private static boolean startError(String reason) {
    return reason.equals("CreateContainerError") || reason.equals("RunContainerError");
  }

  private static JobState notStarted(String message) {
    var blocker =
        new Blocker(
            FailureReason.Infrastructure, "the node does not start the builder pod: " + message);
    return NO_USER_NAMESPACE.matcher(message).find()
        ? new NoUserNamespaces(
            "the node does not start a pod with user namespaces: " + message, blocker)
        : new Waiting(Optional.of(blocker));
  }

  private static JobState fromEvents(List<EventNote> events) {
    for (var event : events.reversed()) {
      if (event.reason().equals("FailedCreatePodSandBox")) {
        return notStarted(event.message());
      }
      if (event.reason().equals("FailedMount") && SECRET.matcher(event.message()).find()) {
        return blocked(
            FailureReason.SecretNotFound, event.message() + ". It is picked up when it appears");
      }
      if (event.reason().equals("FailedMount") && CONFIG_MAP.matcher(event.message()).find()) {
        return blocked(
            FailureReason.SourceNotFound, event.message() + ". It is picked up when it appears");
      }
      if (event.reason().equals("FailedMount")) {
        return blocked(
            FailureReason.Infrastructure,
            "the node does not mount a volume of the pod: " + event.message());
      }
    }
    return new Waiting(Optional.empty());
  }

  private static JobState blocked(FailureReason reason, String message) {
    return new Waiting(Optional.of(new Blocker(reason, message)));
  }

  private static boolean lasted(@Nullable String since, Pod pod, Instant now, Duration grace) {
    var from = since == null ? pod.getMetadata().getCreationTimestamp() : since;
    return from != null && !now.isBefore(Instant.parse(from).plus(grace));
  }
}
