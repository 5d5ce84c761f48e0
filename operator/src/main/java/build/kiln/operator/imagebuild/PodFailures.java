package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.v1alpha1.Text;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.imagebuild.Reading.Ended;
import build.kiln.operator.imagebuild.Reading.SandboxFailed;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a pod that ended came to. Kubernetes' own word on memory and eviction comes before the
 * builder's; the builder's is its termination message and nothing else, never the log.
 */
final class PodFailures {
  private static final int KILLED = 137;
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  private PodFailures() {}

  /** Reads a pod whose Job ended. */
  static Reading read(Pod pod, Isolation tier) {
    var name = pod.getMetadata().getName();
    var terminated = terminated(pod);
    if (terminated.isEmpty() || evicted(pod)) {
      return new Ended(withoutBuilder(pod), name);
    }
    var end = terminated.get();
    int exit = requireNonNullElse(end.getExitCode(), -1);
    var outcome = Records.readOutcome(Text.orEmpty(end.getMessage()));
    if (exit == ExitCode.OK.code()) {
      return new Ended(success(outcome), name);
    }
    if ("OOMKilled".equals(end.getReason())) {
      return new Ended(outOfMemory(pod, outcome), name);
    }
    if (exit == ExitCode.SANDBOX.code()) {
      return new SandboxFailed(
          outcome
              .map(Outcome::message)
              .orElse("the builder says that the sandbox %s does not start".formatted(tier)));
    }
    if (outcome.isEmpty() && disruption(pod).isPresent()) {
      return new Ended(withoutBuilder(pod), name);
    }
    return new Ended(failure(pod, exit, outcome), name);
  }

  private static Result success(Optional<Outcome> outcome) {
    if (outcome.isPresent() && outcome.get().succeeded()) {
      var said = outcome.get();
      var image = said.image();
      var digest = said.digest();
      if (image != null
          && digest != null
          && DIGEST.matcher(digest).matches()
          && image.endsWith("@" + digest)) {
        return new Result.Success(said, image, digest);
      }
    }
    return new Result.Failure(
        FailureReason.Infrastructure,
        "the builder ended well but its termination message names no image; is the builder image of the operator's release?");
  }

  private static Result failure(Pod pod, int exit, Optional<Outcome> outcome) {
    var said = outcome.filter(end -> !end.succeeded()).orElse(null);
    var reason = said == null ? null : said.reason();
    if (said != null && reason != null) {
      return new Result.Failure(
          reason,
          requireNonNullElse(said.message(), "the builder gave no message; see its log"),
          said);
    }
    if (exit == ExitCode.USAGE.code()) {
      return new Result.Failure(
          FailureReason.SpecInvalid,
          "the builder does not understand its work order: use the builder image of the operator's release, and see the log of pod "
              + pod.getMetadata().getName());
    }
    var how = exit == KILLED ? "was killed (exit code 137)" : "ended with exit code " + exit;
    return new Result.Failure(
        FailureReason.Infrastructure,
        "the builder in pod %s %s and left no result; its log may say more"
            .formatted(pod.getMetadata().getName(), how));
  }

  private static Result outOfMemory(Pod pod, Optional<Outcome> outcome) {
    var limit =
        pod.getSpec().getContainers().stream()
            .flatMap(container -> Optional.ofNullable(container.getResources()).stream())
            .flatMap(resources -> Optional.ofNullable(resources.getLimits()).stream())
            .map(limits -> limits.get("memory"))
            .filter(memory -> memory != null)
            .findFirst()
            .map(Quantity::toString);
    var message =
        limit
            .map(
                memory ->
                    "the builder needed more than its memory limit of %s and was killed: raise podTemplate.resources.limits.memory"
                        .formatted(memory))
            .orElse(
                "the node ran out of memory and the builder, which has no limit, was killed: set podTemplate.resources.requests.memory to what the build needs");
    return new Result.Failure(FailureReason.OutOfMemory, message, outcome.orElse(null));
  }

  /** A pod that ended from outside. */
  private static Result withoutBuilder(Pod pod) {
    var message = Text.orEmpty(pod.getStatus().getMessage());
    var disk = evicted(pod) ? diskAdvice(message) : Optional.<String>empty();
    if (disk.isPresent()) {
      return new Result.Failure(
          FailureReason.DiskFull,
          "the pod was evicted: %s %s".formatted(sentence(message), disk.get()));
    }
    var disruption = disruption(pod);
    var reason =
        Optional.ofNullable(pod.getStatus().getReason())
            .or(() -> disruption.map(PodCondition::getReason))
            .orElse("no reason given");
    var words = message.isEmpty() ? disruption.map(PodCondition::getMessage).orElse("") : message;
    return new Result.Failure(
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
          "Its node's disk is full: set podTemplate.resources.requests.ephemeral-storage to what the build needs, so that it gets a node with that much, or build less at a time there");
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

  /** The condition of a pod that is ended by the cluster: a drain, a preemption, an eviction. */
  private static Optional<PodCondition> disruption(Pod pod) {
    return requireNonNullElse(pod.getStatus().getConditions(), List.<PodCondition>of()).stream()
        .filter(condition -> "DisruptionTarget".equals(condition.getType()))
        .filter(condition -> "True".equals(condition.getStatus()))
        .findFirst();
  }

  static List<ContainerStatus> containers(Pod pod) {
    return pod.getStatus() == null || pod.getStatus().getContainerStatuses() == null
        ? List.of()
        : pod.getStatus().getContainerStatuses();
  }

  private static Optional<ContainerStateTerminated> terminated(Pod pod) {
    return containers(pod).stream()
        .filter(status -> JobTemplate.CONTAINER.equals(status.getName()))
        .flatMap(status -> Optional.ofNullable(status.getState()).stream())
        .flatMap(
            state ->
                Optional.<@Nullable ContainerStateTerminated>ofNullable(state.getTerminated())
                    .stream())
        .findFirst();
  }

  /** Whether nothing of a pod runs any more. */
  static boolean over(Pod pod) {
    return phaseIs(pod, "Succeeded") || phaseIs(pod, "Failed");
  }

  static boolean phaseIs(Pod pod, String phase) {
    return pod.getStatus() != null && phase.equals(pod.getStatus().getPhase());
  }
}
