package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.Builds;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Times;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which Jobs of runs that are over a policy lets go. Pure. */
final class FinishedJobs {
  private FinishedJobs() {}

  /** A Job that is over. */
  private record Ended(Job job, boolean well, Instant at) {}

  /**
   * Of each resource, all but its newest, if they have been over for long enough. A Job goes only
   * when its result is on the resource's status, which its time to live tells.
   */
  static List<Job> superfluous(Collection<Job> jobs, Builds builds, Instant now) {
    Map<String, List<Ended>> byResource =
        jobs.stream()
            .flatMap(job -> ended(job).stream())
            .collect(
                Collectors.groupingBy(
                    ended -> String.valueOf(Labels.label(ended.job, Labels.UID))));
    Duration age = Durations.parse(builds.olderThan());
    List<Job> superfluous = new ArrayList<>();
    for (List<Ended> all : byResource.values()) {
      for (boolean well : new boolean[] {true, false}) {
        all.stream()
            .filter(ended -> ended.well == well)
            .sorted(Comparator.comparing(Ended::at).reversed())
            .skip(well ? builds.successful() : builds.failed())
            .filter(ended -> ended.job.getSpec().getTtlSecondsAfterFinished() != null)
            .filter(ended -> !ended.at.plus(age).isAfter(now))
            .forEach(ended -> superfluous.add(ended.job));
      }
    }
    return superfluous;
  }

  private static Optional<Ended> ended(Job job) {
    return Stream.ofNullable(job.getStatus())
        .map(JobStatus::getConditions)
        .filter(Objects::nonNull)
        .flatMap(List::stream)
        .filter(condition -> "True".equals(condition.getStatus()))
        .flatMap(condition -> ended(job, condition).stream())
        .findFirst();
  }

  private static Optional<Ended> ended(Job job, JobCondition condition) {
    boolean well = "Complete".equals(condition.getType());
    if (!well && !"Failed".equals(condition.getType())) {
      return Optional.empty();
    }
    // One that does not say when it ended stays.
    return Times.parse(condition.getLastTransitionTime()).map(time -> new Ended(job, well, time));
  }
}
