package build.kiln.operator.imagemirror;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.Records;
import build.kiln.operator.testkit.ResourceCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;

/** The operator with ImageMirrors. */
final class MirrorCluster extends ResourceCluster<ImageMirror, ImageMirrorSpec, ImageMirrorStatus> {
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
    super(more, ImageMirror.class, ImageMirrorStatus.NONE, ImageMirrorStatus::conditions);
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
    apply(mirror(name, spec));
  }

  void annotate(String name, String value) {
    annotate(name, ImageMirror.SYNC_ANNOTATION, value);
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

  static ScheduledRun run(ImageMirrorStatus status) {
    return requireNonNull(status.run(), "no run yet");
  }

  MirrorOrder order(Job job) {
    return Records.readMirrorOrder(orderText(job));
  }

  /** Ends a pod with an exit code and a report, and its Job. */
  void ends(Job job, Pod pod, int exit, MirrorOutcome outcome, List<Image> images) {
    logs.put(
        pod.getMetadata().getName(),
        Records.report(order(job).nonce(), new MirrorReport(outcome, images, 1)) + "\n");
    ends(job, pod, exit, Records.outcome(outcome));
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
