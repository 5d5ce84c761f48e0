package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;

/** A pod's status as kubelet writes it, for the only container. */
final class PodStates {
  private PodStates() {}

  /**
   * How a container ended.
   *
   * @param reason Completed, Error or StartError
   * @param message what it left as its termination message, or why it did not start
   */
  record Ended(int exitCode, String reason, String message, Instant started, Instant finished) {}

  static Map<String, Object> pending(Pod pod, Instant now) {
    return status(
        pod, "Pending", Map.of("waiting", Map.of("reason", "ContainerCreating")), false, now);
  }

  static Map<String, Object> running(Pod pod, Instant started) {
    return status(
        pod, "Running", Map.of("running", Map.of("startedAt", time(started))), true, started);
  }

  static Map<String, Object> ended(Pod pod, Ended end) {
    return status(
        pod,
        end.exitCode() == 0 ? "Succeeded" : "Failed",
        Map.of(
            "terminated",
            Map.of(
                "exitCode", end.exitCode(),
                "reason", end.reason(),
                "message", end.message(),
                "startedAt", time(end.started()),
                "finishedAt", time(end.finished()))),
        false,
        end.finished());
  }

  private static Map<String, Object> status(
      Pod pod, String phase, Map<String, Object> state, boolean ready, Instant now) {
    var container = pod.getSpec().getContainers().getFirst();
    return Map.of(
        "phase",
        phase,
        "conditions",
        List.of(
            condition("PodScheduled", true, now),
            condition("Initialized", true, now),
            condition("ContainersReady", ready, now),
            condition("Ready", ready, now)),
        "containerStatuses",
        List.of(
            Map.of(
                "name",
                container.getName(),
                "image",
                container.getImage(),
                "imageID",
                "",
                "ready",
                ready,
                "started",
                ready,
                "restartCount",
                0,
                "state",
                state)));
  }

  private static Map<String, Object> condition(String type, boolean holds, Instant now) {
    return Map.of(
        "type", type, "status", holds ? "True" : "False", "lastTransitionTime", time(now));
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
