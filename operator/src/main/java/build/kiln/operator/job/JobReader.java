package build.kiln.operator.job;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Text;
import build.kiln.operator.job.JobState.Failed;
import build.kiln.operator.job.JobState.Failure;
import build.kiln.operator.job.JobState.Running;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Reads what a Job and its pods say, without asking anyone. */
public final class JobReader {
  private JobReader() {}

  /**
   * Reads an attempt.
   *
   * @param events of the Job if it has no pod; if its newest pod is over, those since; else of its
   *     newest pod
   * @param known what kept its pod from running when last looked at; it explains a deadline
   * @param grace how long a pod may take to start before something is wrong
   */
  public static JobState read(
      Attempt attempt,
      List<EventNote> events,
      Optional<Blocker> known,
      Instant now,
      Duration grace) {
    var end = attempt.end();
    var pod = attempt.newestPod();
    if (end.isPresent()) {
      return ended(attempt, end.get(), known);
    }
    if (pod.isEmpty()) {
      return Blockers.withoutPod(events);
    }
    if (Pods.phaseIs(pod.get(), "Running")) {
      return new Running(pod.get().getMetadata().getName());
    }
    if (attempt.succeeded()) {
      // The Job's own condition comes a second or two later and would say no more.
      return PodFailures.read(pod.get());
    }
    // A pod that is over while its Job is not: the Job makes the next one, or is about to end.
    return Pods.over(pod.get())
        ? Blockers.withoutPod(events)
        : Blockers.pending(pod.get(), events, now, grace);
  }

  private static JobState ended(Attempt attempt, JobCondition end, Optional<Blocker> known) {
    var pod = attempt.newestPod();
    if ("Failed".equals(end.getType()) && "DeadlineExceeded".equals(end.getReason())) {
      var seconds = attempt.job().getSpec().getActiveDeadlineSeconds();
      return new Failed(
          known
              .map(
                  blocker ->
                      new Failure(
                          blocker.reason(),
                          "not within the timeout of %ds: %s"
                              .formatted(seconds, blocker.message())))
              .orElseGet(
                  () ->
                      new Failure(
                          FailureReason.DeadlineExceeded,
                          "the run took longer than its timeout of %ds over all attempts: raise spec.timeout, or see in its log how far it was"
                              .formatted(seconds))),
          pod.map(found -> found.getMetadata().getName()).orElse(null));
    }
    if (pod.isPresent() && Pods.over(pod.get())) {
      return PodFailures.read(pod.get());
    }
    return new Failed(
        new Failure(
            FailureReason.Infrastructure,
            "Job %s ended as %s without a pod to tell why: %s"
                .formatted(attempt.name(), end.getType(), Text.orEmpty(end.getMessage()))),
        null);
  }
}
