package build.kiln.operator.job;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Text;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.job.JobState.Exited;
import build.kiln.operator.job.JobState.Failed;
import build.kiln.operator.job.JobState.Failure;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a pod that ended came to by Kubernetes' own word, which on memory and eviction comes before
 * the program's.
 */
final class PodFailures {
  private static final int KILLED = 137;

  private PodFailures() {}

  /** Reads a pod that is over. */
  static JobState read(Pod pod) {
    var name = pod.getMetadata().getName();
    var terminated = terminated(pod);
    if (terminated.isEmpty() || evicted(pod)) {
      return new Failed(fromOutside(pod), name);
    }
    var end = terminated.get();
    int exit = requireNonNullElse(end.getExitCode(), -1);
    var word = Text.orEmpty(end.getMessage());
    return exit != ExitCode.OK.code() && "OOMKilled".equals(end.getReason())
        ? new Failed(outOfMemory(pod, word), name)
        : new Exited(exit, word, pod);
  }

  /** What an exit code means where there is no word with it. */
  static Failure withoutWord(Pod pod, int exit) {
    if (exit == ExitCode.OUT_OF_MEMORY.code()) {
      return outOfHeap(pod);
    }
    if (exit == ExitCode.USAGE.code()) {
      return new Failure(
          FailureReason.SpecInvalid,
          "the builder does not understand its work order: use the builder image of the operator's release, and see the log of pod "
              + pod.getMetadata().getName());
    }
    var how = exit == KILLED ? "was killed (exit code 137)" : "ended with exit code " + exit;
    return new Failure(
        FailureReason.Infrastructure,
        "the builder in pod %s %s and left no result; its log may say more"
            .formatted(pod.getMetadata().getName(), how));
  }

  /** The kernel killed the builder, or a process of it. */
  private static Failure outOfMemory(Pod pod, String word) {
    var message =
        memoryLimit(pod)
            .map(
                memory ->
                    "the builder needed more than its memory limit of %s and was killed: raise podTemplate.resources.limits.memory"
                        .formatted(memory))
            .orElse(
                "the node ran out of memory and the builder, which has no limit, was killed: set podTemplate.resources.requests.memory to what it needs");
    return new Failure(FailureReason.OutOfMemory, message, word);
  }

  /** The JVM ended the builder, or the builder itself gave up. */
  static Failure outOfHeap(Pod pod) {
    return new Failure(
        FailureReason.OutOfMemory,
        memoryLimit(pod)
            .map(
                memory ->
                    "the builder's own share, a quarter, of its memory limit of %s was too little: raise podTemplate.resources.limits.memory"
                        .formatted(memory))
            .orElse(
                "the builder, which has no limit, needed more than the quarter of its node's memory that it may use: choose larger nodes with podTemplate.nodeSelector, and set podTemplate.resources.requests.memory"));
  }

  private static Optional<String> memoryLimit(Pod pod) {
    return pod.getSpec().getContainers().stream()
        .flatMap(container -> Optional.ofNullable(container.getResources()).stream())
        .flatMap(resources -> Optional.ofNullable(resources.getLimits()).stream())
        .flatMap(limits -> Optional.ofNullable(limits.get("memory")).stream())
        .findFirst()
        .map(Quantity::toString);
  }

  /** What it came to if the cluster ended the pod: a drain, a preemption, an eviction. */
  static Optional<Failure> disrupted(Pod pod) {
    return disruption(pod).map(_ -> fromOutside(pod));
  }

  private static Failure fromOutside(Pod pod) {
    var message = Text.orEmpty(pod.getStatus().getMessage());
    var disk = evicted(pod) ? diskAdvice(message) : Optional.<String>empty();
    if (disk.isPresent()) {
      return new Failure(
          FailureReason.DiskFull,
          "the pod was evicted: %s %s".formatted(sentence(message), disk.get()));
    }
    var disruption = disruption(pod);
    var reason =
        Optional.ofNullable(pod.getStatus().getReason())
            .or(() -> disruption.map(PodCondition::getReason))
            .orElse("no reason given");
    var words = message.isEmpty() ? disruption.map(PodCondition::getMessage).orElse("") : message;
    return new Failure(
        FailureReason.Infrastructure,
        "pod %s ended from outside (%s): %s"
            .formatted(
                pod.getMetadata().getName(),
                reason,
                words.isEmpty() ? "its node may be lost" : words));
  }

  /** What to do, by kubelet's words, about an eviction for want of disk; empty if it was none. */
  private static Optional<String> diskAdvice(String message) {
    var lower = message.toLowerCase(Locale.ROOT);
    if (lower.contains("emptydir")) {
      return Optional.of("Raise workspace.size");
    }
    if (lower.contains("low on resource: ephemeral-storage")
        || lower.contains("low on resource: inodes")) {
      return Optional.of(
          "Its node's disk is full: set podTemplate.resources.requests.ephemeral-storage to what the builder needs, so that it gets a node with that much, or run less at a time there");
    }
    return lower.contains("ephemeral")
        ? Optional.of("Raise podTemplate.resources.limits.ephemeral-storage")
        : Optional.empty();
  }

  /** A text with one full stop at its end. */
  static String sentence(String text) {
    return text.strip().replaceAll("[.]+$", "") + ".";
  }

  private static boolean evicted(Pod pod) {
    return "Evicted".equals(pod.getStatus().getReason());
  }

  private static Optional<PodCondition> disruption(Pod pod) {
    return Pods.conditions(pod).stream()
        .filter(condition -> "DisruptionTarget".equals(condition.getType()))
        .filter(condition -> "True".equals(condition.getStatus()))
        .findFirst();
  }

  private static Optional<ContainerStateTerminated> terminated(Pod pod) {
    return Pods.containers(pod).stream()
        .filter(status -> JobSpec.CONTAINER.equals(status.getName()))
        .flatMap(status -> Optional.ofNullable(status.getState()).stream())
        .flatMap(
            state ->
                Optional.<@Nullable ContainerStateTerminated>ofNullable(state.getTerminated())
                    .stream())
        .findFirst();
  }
}
