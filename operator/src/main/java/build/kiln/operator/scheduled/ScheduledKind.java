package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.SecretFiles;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A kind that runs on a schedule, by what is peculiar to it. What it answers follows from its
 * arguments alone, but for the installation's settings.
 *
 * @param <R> the resource
 * @param <T> its status
 * @param <P> what a run reports
 */
public interface ScheduledKind<R extends KilnResource<?, T>, T, P> {
  Class<R> type();

  Words words();

  /** What deciding needs to know; whatever the spec holds, this never fails. */
  Subject subject(R resource);

  /** The same of its status alone, for all resources at once: the queue asks for no more. */
  default Standing standing(R resource) {
    return subject(resource).before();
  }

  /** Whether an update changed what else of the metadata counts, besides the one annotation. */
  default boolean changed(R now, R before) {
    return false;
  }

  /** The namespace of a resource's Jobs and Secrets. */
  String namespace(R resource);

  /** The Secrets that its pods need. */
  List<SecretFiles.Wanted> secrets(R resource);

  RunPod pod(R resource);

  /**
   * The JSON of a run's order.
   *
   * @param settings what the installation decides
   */
  String order(R resource, long run, String nonce, WorkOrder.Settings settings);

  /** The nonce in an order's JSON; empty if it is no order of this kind. */
  Optional<String> nonce(String order);

  /** The report in a pod's log; empty if there is none. */
  Optional<P> report(String nonce, String log);

  /**
   * What a pod came to that ended by itself.
   *
   * @param report in its log; empty if there was none, or the log could not be read
   */
  Conclusion<P> conclude(JobState.Exited end, Optional<P> report);

  /**
   * What else belongs to a run, once its pod has ended by itself, well or not. It is asked again
   * and again until it is done.
   *
   * @param pod what the pod came to
   * @param ended when it did; empty if nobody says
   */
  default Follow<P> follow(
      R resource, ScheduledRun run, Conclusion<P> pod, Optional<Instant> ended, Instant now) {
    return new Follow.Done<>(pod);
  }

  /** Stops what follows a run's pod, when the run is given up. It may be done twice. */
  default void givenUp(R resource) {}

  /** The status as it was, with this standing. */
  T status(R resource, Standing standing);

  /**
   * The status after a run has ended.
   *
   * @param report of the run; empty if it left no word
   */
  T finished(R resource, Standing standing, Optional<P> report);

  /**
   * Does what belongs to a run and is not its pod's, when the run has ended and its status is
   * written. It may be done twice.
   */
  default void afterRun(R resource) {}

  /** Counts what a run reports. */
  void count(P report, MeterRegistry metrics);
}
