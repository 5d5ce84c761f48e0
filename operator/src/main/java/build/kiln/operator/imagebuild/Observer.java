package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.v1alpha1.Text;
import build.kiln.api.work.Records;
import build.kiln.api.work.Report;
import build.kiln.operator.imagebuild.Reading.Blocker;
import build.kiln.operator.imagebuild.Reading.SandboxFailed;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks at the cluster for one ImageBuild, and asks no more than the next decision needs. */
final class Observer {
  /** A Job whose pod is not there after this has trouble that only events tell. */
  private static final Duration POD_IS_MADE_WITHIN = Duration.ofSeconds(2);

  /** A pod that is being deleted is waited for so long past its grace period, no longer. */
  private static final Duration LEAVES_WITHIN = Duration.ofSeconds(30);

  private static final int REPORT_LINES = 50;

  private final KubernetesClient client;
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
    this.client = client;
    this.settings = settings;
    this.queue = queue;
    this.admission = admission;
    this.logs = logs;
    this.surroundings = new Surroundings(client);
    this.arguments = new Arguments(client);
    this.nonces = new Nonces(client);
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
    List<Attempt> attempts = new ArrayList<>();
    for (var job : jobs) {
      attempts.add(new Attempt(job, podsOf(job, pods)));
    }
    var run = status.newestRun().filter(newest -> !newest.phase().finished()).orElse(null);
    boolean invalid = Validation.problem(build).isPresent();
    if (run == null || invalid) {
      var values = invalid ? Map.<String, String>of() : values(arguments.look(build));
      return new Observed(sorted(attempts), null, null, null, null, values);
    }
    recorded(build, run, attempts).ifPresent(attempts::add);
    var sorted = sorted(attempts);
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
    return read(build, status, run, sorted, withPods(current.get()), now);
  }

  private Observed read(
      ImageBuild build,
      ImageBuildStatus status,
      Run run,
      List<Attempt> sorted,
      Attempt current,
      Instant now) {
    var reading =
        JobReader.read(
            current, events(current, now), blocker(status, run), now, settings.startGrace());
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
  private Optional<Attempt> recorded(ImageBuild build, Run run, List<Attempt> known) {
    var name = run.platform().map(PlatformRun::job).filter(Validation::isName);
    if (name.isEmpty() || known.stream().anyMatch(one -> one.name().equals(name.get()))) {
      return Optional.empty();
    }
    return job(build, name.get()).map(job -> new Attempt(job, List.of()));
  }

  /** The Job of a run's first attempt. */
  private Optional<Job> made(ImageBuild build, Run run) {
    var meta = build.getMetadata();
    return job(build, Names.job(meta.getName(), meta.getUid(), run.number(), 1))
        .filter(job -> meta.getUid().equals(Labels.label(job, Labels.UID)));
  }

  private Optional<Job> job(ImageBuild build, String name) {
    return Optional.ofNullable(
        client
            .batch()
            .v1()
            .jobs()
            .inNamespace(build.getMetadata().getNamespace())
            .withName(name)
            .get());
  }

  /** The informer of pods may be behind that of Jobs: an end without a pod is asked for once. */
  private Attempt withPods(Attempt attempt) {
    boolean told =
        attempt.end().isEmpty() || attempt.newestPod().filter(PodFailures::over).isPresent();
    if (told) {
      return attempt;
    }
    var meta = attempt.job().getMetadata();
    return new Attempt(
        attempt.job(),
        podsOf(
            attempt.job(),
            client
                .pods()
                .inNamespace(meta.getNamespace())
                .withLabels(attempt.selector())
                .list()
                .getItems()));
  }

  /** What kept the run's pod from running, as the status said last. */
  private static Optional<Blocker> blocker(ImageBuildStatus status, Run run) {
    return status
        .condition(Conditions.READY)
        .filter(ready -> "False".equals(ready.getStatus()))
        .filter(_ -> run.platform().map(PlatformRun::job).isPresent())
        .flatMap(
            ready ->
                Arrays.stream(FailureReason.values())
                    .filter(reason -> reason.name().equals(ready.getReason()))
                    .findFirst()
                    .map(reason -> new Blocker(reason, Text.orEmpty(ready.getMessage()))));
  }

  private Readiness first(
      ImageBuild build, Run run, Arguments.Found found, Collection<Pod> pods, Instant now) {
    var old = pods.stream().filter(pod -> inTheWay(pod, run, now)).findFirst();
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
        var made = made(build, run).flatMap(Labels::tier);
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
              failed.tier(),
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

  private static boolean inTheWay(Pod pod, Run run, Instant now) {
    if (Labels.number(pod, Labels.RUN) >= run.number() || PodFailures.over(pod)) {
      return false;
    }
    var leaves = pod.getMetadata().getDeletionTimestamp();
    return leaves == null || now.isBefore(Instant.parse(leaves).plus(LEAVES_WITHIN));
  }

  private List<EventNote> events(Attempt attempt, Instant now) {
    if (attempt.end().isPresent()) {
      return List.of();
    }
    var pod = attempt.newestPod();
    if (pod.isEmpty()) {
      return old(attempt.job(), POD_IS_MADE_WITHIN, now)
          ? events(attempt.job(), Instant.MIN)
          : List.of();
    }
    if (PodFailures.over(pod.get())) {
      return old(pod.get(), settings.startGrace(), now)
          ? events(attempt.job(), Instant.parse(pod.get().getMetadata().getCreationTimestamp()))
          : List.of();
    }
    var phase = pod.get().getStatus() == null ? null : pod.get().getStatus().getPhase();
    boolean pending = phase == null || phase.equals("Pending");
    return pending && old(pod.get(), settings.startGrace(), now)
        ? events(pod.get(), Instant.MIN)
        : List.of();
  }

  private List<EventNote> events(HasMetadata of, Instant after) {
    return client
        .v1()
        .events()
        .inNamespace(of.getMetadata().getNamespace())
        .withField("involvedObject.uid", of.getMetadata().getUid())
        .list()
        .getItems()
        .stream()
        .filter(event -> EventNote.time(event).isAfter(after))
        .sorted(Comparator.comparing(EventNote::time))
        .map(
            event ->
                new EventNote(Text.orEmpty(event.getReason()), Text.orEmpty(event.getMessage())))
        .toList();
  }

  private static boolean old(HasMetadata resource, Duration age, Instant now) {
    var created = resource.getMetadata().getCreationTimestamp();
    return created != null && !now.isBefore(Instant.parse(created).plus(age));
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
    return logs.tail(attempt.job().getMetadata().getNamespace(), pod, JobTemplate.CONTAINER, lines);
  }

  private static List<Pod> podsOf(Job job, Collection<Pod> pods) {
    return pods.stream()
        .filter(
            pod ->
                pod.getMetadata().getOwnerReferences() != null
                    && pod.getMetadata().getOwnerReferences().stream()
                        .anyMatch(
                            owner -> Objects.equals(owner.getUid(), job.getMetadata().getUid())))
        .toList();
  }

  private static List<Attempt> sorted(List<Attempt> attempts) {
    return attempts.stream().sorted(Attempt.NEWEST_FIRST).toList();
  }
}
