package build.kiln.operator.quickstart;

import static java.util.Objects.requireNonNullElse;

import build.kiln.operator.quickstart.JobStep.End;
import build.kiln.operator.quickstart.JobStep.Expire;
import build.kiln.operator.quickstart.JobStep.MakePod;
import build.kiln.operator.quickstart.JobStep.Rest;
import build.kiln.operator.quickstart.JobStep.StopPods;
import build.kiln.operator.quickstart.JobStep.Wait;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicyOnExitCodesRequirement;
import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicyRule;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Kubernetes' rules for Jobs of one pod: backoffLimit, activeDeadlineSeconds, podFailurePolicy,
 * ttlSecondsAfterFinished. Pure.
 *
 * @param backoff the wait after the first failure, doubled by each further one; Kubernetes has 10 s
 */
record JobRules(Duration backoff) {
  private static final int DEFAULT_BACKOFF_LIMIT = 6;
  private static final Duration LONGEST_BACKOFF = Duration.ofMinutes(10);
  private static final List<String> TERMINAL = List.of("Succeeded", "Failed");

  /** What a failed pod does to its Job. */
  private enum Verdict {
    FAIL_JOB,
    IGNORE,
    COUNT
  }

  private record Doom(String reason, String message) {}

  JobStep next(Job job, List<Pod> pods, Instant now) {
    var end = end(job);
    if (end.isPresent()) {
      var ttl = job.getSpec().getTtlSecondsAfterFinished();
      return ttl == null ? new Rest() : new Expire(end.get().plusSeconds(ttl));
    }
    if (moreThanOne(job.getSpec().getParallelism())
        || moreThanOne(job.getSpec().getCompletions())) {
      return new End("Failed", "NotSupported", "only Jobs of one pod run without a cluster");
    }
    if (pods.stream().anyMatch(pod -> phase(pod).equals("Succeeded"))) {
      return new End("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
    }
    var deadline = deadline(job);
    var doom = doom(job, pods, now, deadline);
    var active =
        pods.stream().filter(pod -> !over(pod)).map(pod -> pod.getMetadata().getName()).toList();
    if (doom.isPresent()) {
      return active.isEmpty()
          ? new End("Failed", doom.get().reason(), doom.get().message())
          : new StopPods(active);
    }
    return active.isEmpty() ? new MakePod(from(counted(job, pods), now)) : new Wait(deadline);
  }

  /** How many pods failed, the ignored ones too, as {@code status.failed} has it. */
  static int failed(List<Pod> pods) {
    return (int) pods.stream().filter(pod -> phase(pod).equals("Failed")).count();
  }

  static boolean over(Pod pod) {
    return TERMINAL.contains(phase(pod));
  }

  private static Optional<Doom> doom(Job job, List<Pod> pods, Instant now, Instant deadline) {
    for (var pod : pods) {
      for (int i = 0; i < rules(job).size() && phase(pod).equals("Failed"); i++) {
        var rule = rules(job).get(i);
        if (matches(rule, pod)) {
          if (verdict(rule) == Verdict.FAIL_JOB) {
            return Optional.of(new Doom("PodFailurePolicy", policyMessage(pod, rule, i)));
          }
          break;
        }
      }
    }
    if (!now.isBefore(deadline)) {
      return Optional.of(
          new Doom("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    int limit = requireNonNullElse(job.getSpec().getBackoffLimit(), DEFAULT_BACKOFF_LIMIT);
    return counted(job, pods).size() > limit
        ? Optional.of(
            new Doom("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
        : Optional.empty();
  }

  private static String policyMessage(Pod pod, PodFailurePolicyRule rule, int index) {
    var name = pod.getMetadata().getNamespace() + "/" + pod.getMetadata().getName();
    return rule.getOnExitCodes() == null
        ? "Pod %s has a condition matching FailJob rule at index %d".formatted(name, index)
        : "Container %s for pod %s failed with exit code %d matching FailJob rule at index %d"
            .formatted(
                pod.getSpec().getContainers().getFirst().getName(),
                name,
                terminated(pod).findFirst().map(ContainerStateTerminated::getExitCode).orElse(-1),
                index);
  }

  /** The failed pods that count against the backoff limit. */
  private static List<Pod> counted(Job job, List<Pod> pods) {
    return pods.stream()
        .filter(pod -> phase(pod).equals("Failed"))
        .filter(
            pod ->
                rules(job).stream()
                    .filter(rule -> matches(rule, pod))
                    .findFirst()
                    .map(rule -> verdict(rule) == Verdict.COUNT)
                    .orElse(true))
        .toList();
  }

  private Instant from(List<Pod> failures, Instant now) {
    return failures.stream()
        .flatMap(JobRules::terminated)
        .map(ContainerStateTerminated::getFinishedAt)
        .filter(Objects::nonNull)
        .map(Instant::parse)
        .max(Instant::compareTo)
        .map(last -> last.plus(wait(failures.size())))
        .orElse(now);
  }

  private Duration wait(int failures) {
    var wait = backoff.multipliedBy(1L << Math.min(failures - 1, 20));
    return wait.compareTo(LONGEST_BACKOFF) < 0 ? wait : LONGEST_BACKOFF;
  }

  private static boolean matches(PodFailurePolicyRule rule, Pod pod) {
    var codes = rule.getOnExitCodes();
    if (codes != null) {
      return containers(pod).stream()
          .filter(
              status ->
                  codes.getContainerName() == null
                      || codes.getContainerName().equals(status.getName()))
          .flatMap(JobRules::terminated)
          .anyMatch(end -> matches(codes, requireNonNullElse(end.getExitCode(), 0)));
    }
    return pod.getStatus().getConditions().stream()
        .anyMatch(
            condition ->
                rule.getOnPodConditions().stream()
                    .anyMatch(
                        wanted ->
                            Objects.equals(wanted.getType(), condition.getType())
                                && requireNonNullElse(wanted.getStatus(), "True")
                                    .equals(condition.getStatus())));
  }

  private static boolean matches(PodFailurePolicyOnExitCodesRequirement codes, int exitCode) {
    return exitCode != 0
        && codes.getValues().contains(exitCode) == Objects.equals(codes.getOperator(), "In");
  }

  private static Verdict verdict(PodFailurePolicyRule rule) {
    return switch (rule.getAction()) {
      case "FailJob" -> Verdict.FAIL_JOB;
      case "Ignore" -> Verdict.IGNORE;
      default -> Verdict.COUNT;
    };
  }

  private static List<PodFailurePolicyRule> rules(Job job) {
    var policy = job.getSpec().getPodFailurePolicy();
    return policy == null ? List.of() : policy.getRules();
  }

  /** When the Job was over. */
  private static Optional<Instant> end(Job job) {
    return job.getStatus() == null
        ? Optional.empty()
        : job.getStatus().getConditions().stream()
            .filter(condition -> List.of("Complete", "Failed").contains(condition.getType()))
            .filter(condition -> condition.getStatus().equals("True"))
            .map(condition -> Instant.parse(condition.getLastTransitionTime()))
            .findFirst();
  }

  private static Instant deadline(Job job) {
    var seconds = job.getSpec().getActiveDeadlineSeconds();
    var start = job.getStatus() == null ? null : job.getStatus().getStartTime();
    return seconds == null || start == null
        ? Instant.MAX
        : Instant.parse(start).plusSeconds(seconds);
  }

  private static boolean moreThanOne(@Nullable Integer count) {
    return count != null && count > 1;
  }

  private static String phase(Pod pod) {
    return pod.getStatus() == null || pod.getStatus().getPhase() == null
        ? "Pending"
        : pod.getStatus().getPhase();
  }

  private static List<ContainerStatus> containers(Pod pod) {
    return pod.getStatus() == null ? List.of() : pod.getStatus().getContainerStatuses();
  }

  private static Stream<ContainerStateTerminated> terminated(Pod pod) {
    return containers(pod).stream().flatMap(JobRules::terminated);
  }

  private static Stream<ContainerStateTerminated> terminated(ContainerStatus status) {
    return status.getState() == null
        ? Stream.empty()
        : Stream.ofNullable(status.getState().getTerminated());
  }
}
