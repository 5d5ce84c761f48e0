package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Backoff;
import build.kiln.operator.job.Blocker;
import build.kiln.operator.job.JobObserver;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.Nonces;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.job.Pods;
import build.kiln.operator.job.RunQueue;
import build.kiln.operator.job.SecretLookup;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks at the cluster for one resource, and asks no more than the next decision needs. */
final class Observer<R extends KilnResource<?, T>, T, P> {
  private static final int REPORT_LINES = 20;

  /** The hash of versions where a Secret is missing. */
  private static final String MISSING = "missing";

  private final ScheduledKind<R, T, P> kind;
  private final Settings settings;
  private final RunQueue<R> queue;
  private final PodLogs logs;
  private final JobObserver jobs;
  private final SecretLookup secrets;
  private final Nonces nonces;

  Observer(
      ScheduledKind<R, T, P> kind,
      KubernetesClient client,
      Settings settings,
      RunQueue<R> queue,
      PodLogs logs) {
    this.kind = kind;
    this.settings = settings;
    this.queue = queue;
    this.logs = logs;
    this.jobs = new JobObserver(client, settings);
    this.secrets = new SecretLookup(client);
    this.nonces = new Nonces(client, kind::nonce);
  }

  /**
   * Looks.
   *
   * @param jobs of this resource, as the informer knows them
   * @param pods of this resource, as the informer knows them
   */
  Observed<P> observe(
      R resource, Subject subject, Collection<Job> jobs, Collection<Pod> pods, Instant now) {
    var known = this.jobs.attempts(jobs, pods);
    var run = subject.before().run();
    if (run == null || run.finished() || subject.problem().isPresent()) {
      return new Observed<>(known, null, null, null, failedWith(resource, subject, run));
    }
    var attempts =
        recorded(resource, run, known).map(job -> JobObserver.with(known, job)).orElse(known);
    var current =
        attempts.stream()
            .filter(attempt -> attempt.run() == run.number() && !attempt.leaving())
            .findFirst();
    if (current.isPresent()) {
      var state = this.jobs.state(current.get(), blocker(subject.before(), run), now);
      return read(new Seen<>(resource, run, now, attempts, current.get()), state);
    }
    boolean starts =
        run.job() == null && !subject.suspend() && subject.specHash().equals(run.specHash());
    return new Observed<>(
        attempts, null, null, starts ? readiness(resource, run, pods, now) : null, null);
  }

  /** The Secrets' versions, if another one of theirs may be what a failed run needs. */
  private @Nullable String failedWith(R resource, Subject subject, @Nullable ScheduledRun run) {
    if (run == null
        || run.phase() != Phase.Failed
        || subject.problem().isPresent()
        || subject.suspend()
        || kind.secrets(resource).isEmpty()) {
      return null;
    }
    return switch (secrets.look(kind.namespace(resource), kind.secrets(resource))) {
      case SecretLookup.Lacking _ -> MISSING;
      case SecretLookup.All all -> all.version();
    };
  }

  /** The Job that the status names but the informer does not know, yet or any more. */
  private Optional<Job> recorded(R resource, ScheduledRun run, List<Attempt> known) {
    var name = run.job();
    return name == null
            || !Names.isName(name)
            || known.stream().anyMatch(attempt -> attempt.name().equals(name))
        ? Optional.empty()
        : jobs.job(kind.namespace(resource), name);
  }

  private static Optional<Blocker> blocker(Standing before, ScheduledRun run) {
    return run.job() == null ? Optional.empty() : JobObserver.blocker(before.conditions());
  }

  /** A run whose Job is looked at. */
  private record Seen<R>(
      R resource, ScheduledRun run, Instant now, List<Attempt> attempts, Attempt current) {}

  private Observed<P> read(Seen<R> seen, JobState state) {
    var attempts = seen.attempts();
    return switch (state) {
      case JobState.Waiting waiting ->
          reading(attempts, new Reading.Waiting(waiting.blocker()), null);
      case JobState.NoUserNamespaces none ->
          reading(attempts, new Reading.Waiting(Optional.of(none.blocker())), null);
      case JobState.Running _ -> reading(attempts, new Reading.Running(), null);
      case JobState.Failed failed ->
          reading(attempts, new Reading.Ended(result(failed.failure())), null);
      case JobState.Exited exited -> {
        var pod = kind.conclude(exited, report(seen.current(), exited.podName()));
        var ended = Pods.ended(exited.pod());
        yield switch (kind.follow(seen.resource(), seen.run(), pod, ended, seen.now())) {
          case Follow.More<P> more ->
              reading(attempts, new Reading.Following(more.step(), more.again()), null);
          case Follow.Done<P> done ->
              reading(
                  attempts,
                  new Reading.Ended(done.conclusion().result()),
                  done.conclusion().report());
        };
      }
    };
  }

  private Observed<P> reading(List<Attempt> attempts, Reading reading, @Nullable P report) {
    return new Observed<>(attempts, reading, report, null, null);
  }

  private RunResult result(JobState.Failure failure) {
    FailureReason reason = failure.reason();
    return RunResult.failure(
        reason.name(), failure.message(), Backoff.of(reason, settings.retry()).orElse(null));
  }

  private Optional<P> report(Attempt attempt, String pod) {
    return nonces
        .of(attempt)
        .flatMap(
            nonce ->
                logs.tail(
                        attempt.job().getMetadata().getNamespace(),
                        pod,
                        JobSpec.CONTAINER,
                        REPORT_LINES)
                    .flatMap(log -> kind.report(nonce, log)));
  }

  private Readiness readiness(R resource, ScheduledRun run, Collection<Pod> pods, Instant now) {
    var old = pods.stream().filter(pod -> Pods.inTheWay(pod, run.number(), now)).findFirst();
    if (old.isPresent()) {
      return new Readiness.OldPodRuns(old.get().getMetadata().getName());
    }
    return switch (secrets.look(kind.namespace(resource), kind.secrets(resource))) {
      case SecretLookup.Lacking lacking -> new Readiness.Missing(lacking.message());
      case SecretLookup.All all ->
          queue
              .enter(resource)
              .<Readiness>map(Readiness.Queued::new)
              .orElseGet(() -> new Readiness.Go(all.files(), all.version()));
    };
  }
}
