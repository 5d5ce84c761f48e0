package build.kiln.operator.imagemirror;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Labels;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** The operator with ImageMirrors. */
final class MirrorCluster extends ApiCluster {
  private static final String PLACES =
      """
      source: {repository: up.example.com/library/alpine}
      destination: {prefix: down.example.com/mirror}
      tags: {all: true}
      """;

  MirrorCluster() {
    this("");
  }

  /**
   * @param more settings, as YAML
   */
  MirrorCluster(String more) {
    super(more);
  }

  static ImageMirror mirror(String name, String spec) {
    return Serialization.unmarshal(
        """
        apiVersion: kiln.build/v1alpha1
        kind: ImageMirror
        metadata: {name: %s, namespace: %s, uid: uid-%s, generation: 1}
        spec:
        """
                .formatted(name, NAMESPACE, name)
            + (spec.contains("destination") ? spec : PLACES + spec).indent(2),
        ImageMirror.class);
  }

  /**
   * Creates or changes an ImageMirror of this spec in YAML; source, destination, tags are given.
   */
  void apply(String name, String spec) {
    var wanted = mirror(name, spec);
    if (client().resources(ImageMirror.class).inNamespace(NAMESPACE).withName(name).get() == null) {
      client().resource(wanted).create();
      return;
    }
    edit(
        name,
        mirror -> {
          mirror.setSpec(wanted.getSpec());
          mirror.getMetadata().setGeneration(mirror.getMetadata().getGeneration() + 1);
          return mirror;
        });
  }

  void annotate(String name, String value) {
    edit(
        name,
        mirror -> {
          mirror.getMetadata().setAnnotations(Map.of(ImageMirror.SYNC_ANNOTATION, value));
          return mirror;
        });
  }

  /** Changes a resource as kubectl does: again if the operator wrote in between. */
  private void edit(String name, UnaryOperator<ImageMirror> change) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreException(KubernetesClientException.class)
        .until(
            () ->
                client()
                        .resources(ImageMirror.class)
                        .inNamespace(NAMESPACE)
                        .withName(name)
                        .edit(change)
                    != null);
  }

  /** Creates or replaces a login. */
  void login(String name, String password) {
    var secret =
        new SecretBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(NAMESPACE)
            .endMetadata()
            .addToStringData(".dockerconfigjson", password)
            .addToData(".dockerconfigjson", password)
            .build();
    client().resource(secret).createOr(replace -> replace.update());
  }

  ImageMirror get(String name) {
    return requireNonNull(
        client().resources(ImageMirror.class).inNamespace(NAMESPACE).withName(name).get());
  }

  ImageMirrorStatus status(String name) {
    return Optional.ofNullable(get(name).getStatus()).orElse(ImageMirrorStatus.NONE);
  }

  static ScheduledRun run(ImageMirrorStatus status) {
    return requireNonNull(status.run(), "no run yet");
  }

  ImageMirrorStatus await(String name, String wish, Predicate<ImageMirrorStatus> wished) {
    try {
      return Awaitility.await(name + " " + wish)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> status(name), wished);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          "%s: not %s; it is%n%s%njobs %s"
              .formatted(
                  name,
                  wish,
                  Serialization.asYaml(status(name)),
                  jobs().stream().map(job -> job.getMetadata().getName()).toList()),
          e);
    }
  }

  /** Waits for Ready to be of a status and a reason. */
  ImageMirrorStatus awaitReady(String name, String status, String reason) {
    return await(
        name,
        "Ready=%s, %s".formatted(status, reason),
        now ->
            Conditions.find(now.conditions(), "Ready")
                .filter(ready -> ready.getStatus().equals(status))
                .filter(ready -> ready.getReason().equals(reason))
                .isPresent());
  }

  /** Waits for the Job of a run. */
  Job awaitJob(String name, long run) {
    var uid = get(name).getMetadata().getUid();
    return Awaitility.await("a Job of run %d of %s".formatted(run, name))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                jobs().stream()
                    .filter(job -> uid.equals(Labels.label(job, Labels.UID)))
                    .filter(job -> Labels.number(job, Labels.RUN) == run)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  MirrorOrder order(Job job) {
    var map =
        client().configMaps().inNamespace(NAMESPACE).withName(job.getMetadata().getName()).get();
    return Records.readMirrorOrder(requireNonNull(map.getData().get("order.json")));
  }

  /** Ends a pod with an exit code and a report, and its Job. */
  void ends(Job job, Pod pod, int exit, MirrorOutcome outcome, List<Image> images) {
    logs.put(
        pod.getMetadata().getName(),
        Records.report(order(job).nonce(), new MirrorReport(outcome, images, 1)) + "\n");
    podIs(pod, ended(exit, "Error", Records.outcome(outcome)));
    jobEnds(job, exit == 0 ? "Complete" : "Failed", exit == 0 ? null : "PodFailurePolicy");
  }

  /** A run to its good end. */
  ImageMirrorStatus succeeds(String name, long number) {
    var job = awaitJob(name, number);
    ends(job, runs(job), 0, copied(3), List.of());
    return awaitFinished(name, number);
  }

  /** A run to a bad end. */
  ImageMirrorStatus fails(String name, long number, MirrorFailureReason reason) {
    var job = awaitJob(name, number);
    int exit = reason.retryable() ? 5 : 1;
    ends(job, runs(job), exit, failed(reason), List.of());
    return awaitFinished(name, number);
  }

  private ImageMirrorStatus awaitFinished(String name, long number) {
    return await(
        name,
        "run %d is done".formatted(number),
        status -> status.run() != null && run(status).number() >= number && run(status).finished());
  }

  static MirrorOutcome copied(int images) {
    return new MirrorOutcome(true, null, null, false, 10, images, 10 - images, 0, 0, 4096, 512);
  }

  static MirrorOutcome failed(MirrorFailureReason reason) {
    return new MirrorOutcome(
        false, reason, "it did not work", reason.retryable(), 10, 1, 7, 0, 2, 100, 0);
  }
}
