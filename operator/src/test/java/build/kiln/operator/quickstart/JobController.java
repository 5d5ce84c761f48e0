package build.kiln.operator.quickstart;

import build.kiln.operator.quickstart.JobStep.End;
import build.kiln.operator.quickstart.JobStep.Expire;
import build.kiln.operator.quickstart.JobStep.MakePod;
import build.kiln.operator.quickstart.JobStep.Rest;
import build.kiln.operator.quickstart.JobStep.StopPods;
import build.kiln.operator.quickstart.JobStep.Wait;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Kubernetes' Job controller, for an API server that has none: {@link JobRules} on every Job. */
final class JobController implements AutoCloseable {
  private final KubernetesClient client;
  private final JobRules rules;
  private final Clock clock;
  private final Supplier<String> suffixes;
  private final ControlLoop loop = new ControlLoop("job-controller");
  private final List<SharedIndexInformer<?>> informers;

  /**
   * Starts to watch.
   *
   * @param suffixes gives another one each time, to name pods
   */
  JobController(KubernetesClient client, JobRules rules, Clock clock, Supplier<String> suffixes) {
    this.client = client;
    this.rules = rules;
    this.clock = clock;
    this.suffixes = suffixes;
    this.informers =
        List.of(
            client.batch().v1().jobs().inAnyNamespace().inform(Watching.any(this::look)),
            client.pods().inAnyNamespace().inform(Watching.any(this::lookAtOwner)));
  }

  private void look(Job job) {
    look(job.getMetadata().getNamespace(), job.getMetadata().getName());
  }

  private void lookAtOwner(Pod pod) {
    pod.getMetadata().getOwnerReferences().stream()
        .filter(owner -> owner.getKind().equals("Job"))
        .forEach(owner -> look(pod.getMetadata().getNamespace(), owner.getName()));
  }

  private void look(String namespace, String name) {
    loop.soon(() -> step(namespace, name));
  }

  private void step(String namespace, String name) {
    var job = client.batch().v1().jobs().inNamespace(namespace).withName(name).get();
    if (job == null) {
      return;
    }
    var now = clock.instant();
    if (job.getStatus() == null || job.getStatus().getStartTime() == null) {
      patch(job, Map.of("startTime", time(now)));
      look(job);
      return;
    }
    var pods = podsOf(job);
    switch (rules.next(job, pods, now)) {
      case MakePod make -> {
        if (now.isBefore(make.from())) {
          again(job, now, make.from());
        } else {
          client.pods().resource(pod(job)).create();
        }
      }
      case Wait wait -> {
        again(job, now, wait.until());
        count(job, pods, null);
      }
      case StopPods stop ->
          stop.pods().forEach(pod -> client.pods().inNamespace(namespace).withName(pod).delete());
      case End end -> count(job, pods, end);
      case Expire expire -> {
        if (now.isBefore(expire.at())) {
          again(job, now, expire.at());
        } else {
          client.resource(job).delete();
        }
      }
      case Rest _ -> {}
    }
  }

  private void again(Job job, Instant now, Instant at) {
    if (at.isBefore(Instant.MAX)) {
      loop.later(
          Duration.between(now, at).plusMillis(1),
          () -> step(job.getMetadata().getNamespace(), job.getMetadata().getName()));
    }
  }

  /** Writes what {@code kubectl get job} shows, if it changed. */
  private void count(Job job, List<Pod> pods, @Nullable End end) {
    int failed = JobRules.failed(pods);
    int succeeded = end != null && end.type().equals("Complete") ? 1 : 0;
    int active = (int) pods.stream().filter(pod -> !JobRules.over(pod)).count();
    var status = job.getStatus();
    if (end == null
        && Objects.equals(status.getActive(), active)
        && Objects.equals(status.getFailed(), failed)) {
      return;
    }
    Map<String, Object> changes = new LinkedHashMap<>();
    changes.put("active", active);
    changes.put("failed", failed);
    changes.put("succeeded", succeeded);
    if (end != null) {
      var now = time(clock.instant());
      if (succeeded > 0) {
        changes.put("completionTime", now);
      }
      changes.put(
          "conditions",
          List.of(
              Map.of(
                  "type",
                  end.type(),
                  "status",
                  "True",
                  "reason",
                  end.reason(),
                  "message",
                  end.message(),
                  "lastProbeTime",
                  now,
                  "lastTransitionTime",
                  now)));
    }
    patch(job, changes);
  }

  private void patch(Job job, Map<String, Object> status) {
    StatusPatch.apply(
        client
            .batch()
            .v1()
            .jobs()
            .inNamespace(job.getMetadata().getNamespace())
            .withName(job.getMetadata().getName()),
        status);
  }

  private List<Pod> podsOf(Job job) {
    return client
        .pods()
        .inNamespace(job.getMetadata().getNamespace())
        .withLabel("batch.kubernetes.io/controller-uid", job.getMetadata().getUid())
        .list()
        .getItems();
  }

  private Pod pod(Job job) {
    var meta = job.getMetadata();
    var template = job.getSpec().getTemplate();
    return new PodBuilder()
        .withMetadata(Optional.ofNullable(template.getMetadata()).orElseGet(ObjectMeta::new))
        .editMetadata()
        .withName(meta.getName() + "-" + suffixes.get())
        .withNamespace(meta.getNamespace())
        .addToLabels("batch.kubernetes.io/job-name", meta.getName())
        .addToLabels("batch.kubernetes.io/controller-uid", meta.getUid())
        .addToLabels("job-name", meta.getName())
        .addToLabels("controller-uid", meta.getUid())
        .withOwnerReferences(
            new OwnerReferenceBuilder()
                .withApiVersion("batch/v1")
                .withKind("Job")
                .withName(meta.getName())
                .withUid(meta.getUid())
                .withController(true)
                .withBlockOwnerDeletion(true)
                .build())
        .endMetadata()
        .withSpec(template.getSpec())
        .build();
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  @Override
  public void close() {
    informers.forEach(SharedIndexInformer::close);
    loop.close();
  }
}
