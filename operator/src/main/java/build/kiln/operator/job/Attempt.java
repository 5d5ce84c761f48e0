package build.kiln.operator.job;

import build.kiln.api.v1alpha1.Text;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One attempt of a run: a Job and its pods. */
public record Attempt(Job job, List<Pod> pods) {
  /** Newest first. */
  public static final Comparator<Attempt> NEWEST_FIRST =
      Comparator.comparingLong(Attempt::run).thenComparingInt(Attempt::number).reversed();

  public String name() {
    return job.getMetadata().getName();
  }

  public long run() {
    return Labels.number(job, Labels.RUN);
  }

  public int number() {
    return (int) Labels.number(job, Labels.ATTEMPT);
  }

  /** The labels of its pods. What else is on the Job, others may have put there. */
  Map<String, String> selector() {
    return Stream.of(Labels.UID, Labels.RUN, Labels.ATTEMPT)
        .collect(Collectors.toMap(key -> key, key -> Text.orEmpty(Labels.label(job, key))));
  }

  public boolean leaving() {
    return job.getMetadata().getDeletionTimestamp() != null;
  }

  /** Whether the Job may expire, since its result is recorded. */
  public boolean sealed() {
    return job.getSpec() != null && job.getSpec().getTtlSecondsAfterFinished() != null;
  }

  /** The condition by which the Job ended. */
  public Optional<JobCondition> end() {
    if (job.getStatus() == null || job.getStatus().getConditions() == null) {
      return Optional.empty();
    }
    return job.getStatus().getConditions().stream()
        .filter(condition -> "True".equals(condition.getStatus()))
        .filter(
            condition ->
                Objects.equals(condition.getType(), "Complete")
                    || Objects.equals(condition.getType(), "Failed"))
        .findFirst();
  }

  /** Whether its newest pod ended well, with which its Job will. */
  public boolean succeeded() {
    return newestPod().filter(pod -> Pods.phaseIs(pod, "Succeeded")).isPresent();
  }

  /** Whether its Job completed, or will. */
  public boolean endedWell() {
    return succeeded()
        || end().filter(condition -> "Complete".equals(condition.getType())).isPresent();
  }

  /** Whether neither its Job nor its newest pod says that it is over. */
  public boolean active() {
    return end().isEmpty() && !succeeded();
  }

  /** The pod that was made last. */
  public Optional<Pod> newestPod() {
    return pods.stream()
        .max(
            Comparator.comparing(
                    (Pod pod) ->
                        Objects.requireNonNullElse(pod.getMetadata().getCreationTimestamp(), ""))
                .thenComparing(pod -> pod.getMetadata().getName()));
  }
}
