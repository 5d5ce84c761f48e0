package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Records;
import build.kiln.api.work.Report;
import build.kiln.operator.imagebuild.Reading.SandboxFailed;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Blocker;
import build.kiln.operator.job.JobObserver;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.Nonces;
import build.kiln.operator.job.PodLogs;
import build.kiln.operator.job.Pods;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks at the cluster for one ImageBuild, and asks no more than the next decision needs. */
final class Observer {
  private static final int REPORT_LINES = 50;

  private final JobObserver jobs;
  private final Settings settings;
  private final BuildQueue queue;
  private final Admission admission;
  private final PodLogs logs;
  private final Surroundings surroundings;
  private final Arguments arguments;
  private final Nonces nonces;
  private final ProgressLog progressLog;

  Observer(
      KubernetesClient client,
      Settings settings,
      BuildQueue queue,
      Admission admission,
      PodLogs logs) {
    this.jobs = new JobObserver(client, settings);
    this.settings = settings;
    this.queue = queue;
    this.admission = admission;
    this.logs = logs;
    this.surroundings = new Surroundings(client);
    this.arguments = new Arguments(client);
    this.nonces = new Nonces(client, BuildOrders::nonce);
    this.progressLog = new ProgressLog(logs);
  }

  /**
   * Looks.
   *
   * @param jobs of this build, as the informer knows them
   * @param pods of this build, as the informer knows them
   */
  Observed observe(ImageBuild build, Collection<Job> jobs, Collection<Pod> pods, Instant now) {
    var status = requireNonNullElse(build.getStatus(), ImageBuildStatus.NONE);
    var attempts = this.jobs.attempts(jobs, pods);
    var run = status.newestRun().filter(newest -> !newest.phase().finished()).orElse(null);
    boolean invalid = Validation.problem(build).isPresent();
    if (run == null || invalid) {
      var values = invalid ? Map.<String, String>of() : values(arguments.look(build));
      return new Observed(attempts, null, null, null, null, values);
    }
    var sorted =
        recorded(build, run, attempts).map(job -> JobObserver.with(attempts, job)).orElse(attempts);
    var current =
        sorted.stream()
            .filter(attempt -> attempt.run() == run.number() && !attempt.leaving())
            .findFirst();
    if (current.isEmpty()) {
      boolean starts =
          run.platform().map(PlatformRun::job).isEmpty()
              && !build.getSpec().suspend()
              && Inputs.sameSpec(run.inputsHash(), Inputs.inputsHash(build.getSpec()));
      var found = arguments.look(build);
      var readiness = starts ? first(build, run, found, pods, now) : null;
      return new Observed(sorted, null, null, null, readiness, values(found));
    }
    return read(build, status, run, sorted, current.get(), now);
  }

  private Observed read(
      ImageBuild build,
      ImageBuildStatus status,
      Run run,
      List<Attempt> sorted,
      Attempt current,
      Instant now) {
    var reading =
        BuildReader.read(jobs.state(current, blocker(status, run), now), tier(current.job()));
    // A run that has its Job has its arguments; they are the next attempt's too.
    Arguments.Found found = new Arguments.Found.All(Map.of());
    Readiness readiness = null;
    if (reading instanceof SandboxFailed failed && build.getSpec().isolation() == Isolation.Auto) {
      found = arguments.look(build);
      readiness = weaker(build, run, current, failed, found);
    }
    return new Observed(
        sorted,
        reading,
        progress(current, reading, now),
        report(current, reading),
        readiness,
        values(found));
  }

  private static Map<String, String> values(Arguments.Found found) {
    return switch (found) {
      case Arguments.Found.All all -> all.values();
      case Arguments.Found.Lacking _ -> Map.of();
    };
  }

  /** The Job that the status names but the informer does not know, yet or any more. */
  private Optional<Job> recorded(ImageBuild build, Run run, List<Attempt> known) {
    var name = run.platform().map(PlatformRun::job).filter(Names::isName);
    if (name.isEmpty() || known.stream().anyMatch(one -> one.name().equals(name.get()))) {
      return Optional.empty();
    }
    return jobs.job(build.getMetadata().getNamespace(), name.get());
  }

  /** The Job of a run's first attempt. */
  private Optional<Job> made(ImageBuild build, Run run) {
    var meta = build.getMetadata();
    return jobs.job(meta.getNamespace(), Names.job(meta.getName(), meta.getUid(), run.number(), 1))
        .filter(job -> meta.getUid().equals(Labels.label(job, Labels.UID)));
  }

  /** What kept the run's pod from running, as the status said last. */
  private static Optional<Blocker> blocker(ImageBuildStatus status, Run run) {
    return run.platform()
        .map(PlatformRun::job)
        .flatMap(_ -> JobObserver.blocker(status.conditions()));
  }

  /** The tier that a Job was made for. */
  private static Isolation tier(Job job) {
    return BuildLabels.tier(job).orElse(Isolation.Auto);
  }

  private Readiness first(
      ImageBuild build, Run run, Arguments.Found found, Collection<Pod> pods, Instant now) {
    var old = pods.stream().filter(pod -> Pods.inTheWay(pod, run.number(), now)).findFirst();
    if (old.isPresent()) {
      return new Readiness.OldPodRuns(old.get().getMetadata().getName());
    }
    if (found instanceof Arguments.Found.Lacking lacking) {
      return lacking.missing();
    }
    return switch (surroundings.look(build)) {
      case Surroundings.Found.Lacking lacking -> lacking.missing();
      case Surroundings.Found.All all -> {
        var place = queue.enter(build);
        if (place.isPresent()) {
          yield new Readiness.Queued(place.get());
        }
        // The informer may not know yet what a pass made whose status was lost.
        var made = made(build, run).flatMap(BuildLabels::tier);
        if (made.isPresent()) {
          yield new Readiness.Go(made.get(), "", all.secrets());
        }
        yield TierChoice.first(
            build.getSpec().isolation(),
            settings.allowChroot(),
            tier -> admission.of(template(build, run, 1, tier, all.secrets()).pod()),
            all.secrets());
      }
    };
  }

  private Readiness weaker(
      ImageBuild build, Run run, Attempt failed, SandboxFailed why, Arguments.Found found) {
    if (found instanceof Arguments.Found.Lacking lacking) {
      return lacking.missing();
    }
    return switch (surroundings.look(build)) {
      case Surroundings.Found.Lacking lacking -> lacking.missing();
      case Surroundings.Found.All all ->
          TierChoice.weaker(
              tier(failed.job()),
              why.message(),
              settings.allowChroot(),
              tier ->
                  admission.of(
                      template(build, run, failed.number() + 1, tier, all.secrets()).pod()),
              all.secrets());
    };
  }

  private JobTemplate template(
      ImageBuild build, Run run, int attempt, Isolation tier, SecretFiles secrets) {
    return new JobTemplate(
        build, run.number(), attempt, tier, secrets, Map.of(), List.of(), settings);
  }

  private @Nullable Progress progress(Attempt attempt, Reading reading, Instant now) {
    return reading instanceof Reading.Running running
        ? nonces
            .of(attempt)
            .flatMap(
                nonce ->
                    progressLog.of(
                        attempt.job().getMetadata().getNamespace(), running.pod(), nonce, now))
            .orElse(null)
        : null;
  }

  private @Nullable Report report(Attempt attempt, Reading reading) {
    if (!(reading instanceof Reading.Ended ended) || ended.pod() == null) {
      return null;
    }
    var pod = ended.pod();
    return nonces
        .of(attempt)
        .flatMap(
            nonce ->
                tail(attempt, pod, REPORT_LINES).flatMap(log -> Records.lastReport(nonce, log)))
        .orElse(null);
  }

  private Optional<String> tail(Attempt attempt, String pod, int lines) {
    return logs.tail(attempt.job().getMetadata().getNamespace(), pod, JobSpec.CONTAINER, lines);
  }
}
