package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.testkit.ResourceCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import org.jspecify.annotations.Nullable;

/** The operator with ImageBuilds. */
final class TestCluster extends ResourceCluster<ImageBuild, ImageBuildSpec, ImageBuildStatus> {
  static final String DIGEST = "sha256:" + "ab".repeat(32);

  TestCluster() {
    this("");
  }

  /**
   * @param more settings, as YAML
   */
  TestCluster(String more) {
    super(more, ImageBuild.class, ImageBuildStatus.NONE, ImageBuildStatus::conditions);
  }

  /** Creates or changes an ImageBuild of this spec in YAML; the output is given. */
  void apply(String name, String spec) {
    apply(build(name, spec));
  }

  static ImageBuild build(String name, String spec) {
    return Serialization.unmarshal(
        """
        apiVersion: kiln.build/v1alpha1
        kind: ImageBuild
        metadata: {name: %s, namespace: %s, uid: uid-%s, generation: 1}
        spec:
        """
                .formatted(name, NAMESPACE, name)
            + (spec.contains("output:") ? spec : spec + "\noutput: {image: registry.example.com/x}")
                .indent(2),
        ImageBuild.class);
  }

  void annotate(String name, String value) {
    annotate(name, ImageBuild.REBUILD_ANNOTATION, value);
  }

  ImageBuildStatus awaitFailed(String name, FailureReason reason) {
    return awaitReady(name, "False", reason.name());
  }

  /** Waits until the status says that a run has this Job, then gives its nonce. */
  String nonce(Job job) {
    return BuildOrders.nonce(orderText(job)).orElseThrow();
  }

  /** Ends a pod with an exit code and a termination message, and its Job. */
  void ends(Job job, Pod pod, int exit, @Nullable Outcome outcome) {
    ends(job, pod, exit, outcome == null ? (String) null : Records.outcome(outcome));
  }

  /** A run to its good end. */
  void succeeds(String name, long run) {
    var job = awaitJob(name, run);
    ends(job, runs(job), 0, pushed("registry.example.com/x"));
    await(name, "run %d is done".formatted(run), status -> newest(status).phase().finished());
  }

  /** A run to a bad end. */
  void fails(String name, long run, int exit, Outcome outcome) {
    var job = awaitJob(name, run);
    ends(job, runs(job), exit, outcome);
    await(name, "run %d is done".formatted(run), status -> newest(status).phase().finished());
  }

  static Run newest(ImageBuildStatus status) {
    return status.newestRun().orElseThrow();
  }

  static Outcome pushed(String repository) {
    return new Outcome(
        true,
        null,
        null,
        null,
        null,
        null,
        repository + "@" + DIGEST,
        DIGEST,
        3,
        1,
        null,
        1000,
        2000);
  }

  static Outcome failed(FailureReason reason, String message) {
    return new Outcome(false, reason, message, null, null, null, null, null, 3, 0, null, 0, 0);
  }
}
