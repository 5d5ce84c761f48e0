package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.job.CaFiles;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.Names;
import build.kiln.operator.job.Orders;
import build.kiln.operator.job.PodFiles;
import build.kiln.operator.job.PodShape;
import build.kiln.operator.job.Refusal;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.List;
import java.util.stream.Stream;

/** Does what was decided. */
final class Actor<R extends KilnResource<?, T>, T> {
  /** A pod that was lost, or killed, is followed by another so many times. */
  private static final int RETRIES = 2;

  /**
   * Exit codes after which another pod would not help. That of a killed one is not among them: the
   * next pod goes on from where it was.
   */
  private static final List<Integer> FINAL =
      List.of(ExitCode.USER.code(), ExitCode.USAGE.code(), ExitCode.OUT_OF_MEMORY.code());

  private final ScheduledKind<R, T, ?> kind;
  private final JobMaker jobs;
  private final Settings settings;

  Actor(ScheduledKind<R, T, ?> kind, JobMaker jobs, Settings settings) {
    this.kind = kind;
    this.jobs = jobs;
    this.settings = settings;
  }

  /**
   * Does it.
   *
   * @return what it came to: no start if the API server refuses what a start needs
   */
  Action act(R resource, Subject subject, Decision decision) {
    var namespace = kind.namespace(resource);
    jobs.tidy(
        namespace,
        decision.delete(),
        decision.seal(),
        () -> Durations.parse(subject.history().ttl()));
    if (Decider.givesUp(decision.action(), subject.before())) {
      kind.givenUp(resource);
    }
    if (decision.action() instanceof Action.Watch(Reading.Following(var step, _))) {
      step.run();
    }
    if (!(decision.action() instanceof Action.Start start)) {
      return decision.action();
    }
    try {
      start(resource, subject, start.secrets());
      return start;
    } catch (KubernetesClientException e) {
      var refused = Refusal.of(e).orElseThrow(() -> e).blocker("the run");
      return new Action.Block(refused.reason(), refused.message());
    }
  }

  /** The name of the newest run's Job. */
  static String job(KilnResource<?, ?> resource, Subject subject) {
    return Names.job(
        resource.getMetadata().getName(),
        resource.getMetadata().getUid(),
        subject.before().newest().map(run -> run.number()).orElse(0L),
        1);
  }

  private void start(R resource, Subject subject, SecretFiles secrets) {
    long run = subject.before().newest().orElseThrow().number();
    var certificates = CaFiles.read(settings);
    var spec = spec(resource, subject, secrets, List.copyOf(certificates.keySet()));
    var decided = Orders.settings(settings, spec.namespace(), !certificates.isEmpty());
    jobs.start(spec, nonce -> kind.order(resource, run, nonce, decided), certificates);
  }

  private JobSpec spec(R resource, Subject subject, SecretFiles secrets, List<String> caFiles) {
    var pod = kind.pod(resource);
    var name = job(resource, subject);
    return new JobSpec(
        resource,
        name,
        kind.namespace(resource),
        JobSpec.labels(
            kind.words().component(),
            resource,
            subject.before().newest().orElseThrow().number(),
            1),
        kind.words().nameKey(),
        RETRIES,
        pod.timeout(),
        FINAL,
        pod.wish(),
        pod.mountToken(),
        PodShape.unprivileged(),
        Stream.concat(Stream.of(PodFiles.work(name, caFiles)), PodFiles.secrets(secrets).stream())
            .toList(),
        Stream.concat(Stream.of(PodFiles.workMount()), PodFiles.secretsMount(secrets).stream())
            .toList(),
        settings);
  }
}
