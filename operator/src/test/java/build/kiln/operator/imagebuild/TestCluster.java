package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Orders;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/** The operator with ImageBuilds. */
final class TestCluster extends ApiCluster {
  static final String DIGEST = "sha256:" + "ab".repeat(32);

  TestCluster() {
    this("");
  }

  /**
   * @param more settings, as YAML
   */
  TestCluster(String more) {
    super(more);
  }

  /** Creates or changes an ImageBuild of this spec in YAML; the output is given. */
  void apply(String name, String spec) {
    ImageBuild wanted = build(name, spec);
    var found = client().resources(ImageBuild.class).inNamespace(NAMESPACE).withName(name);
    if (found.get() == null) {
      client().resource(wanted).create();
    } else {
      edit(
          name,
          build -> {
            build.setSpec(wanted.getSpec());
            // As a real API server would.
            build
                .getMetadata()
                .setGeneration(
                    Optional.ofNullable(build.getMetadata().getGeneration()).orElse(1L) + 1);
            return build;
          });
    }
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
    edit(
        name,
        build -> {
          build.getMetadata().setAnnotations(Map.of(ImageBuild.REBUILD_ANNOTATION, value));
          return build;
        });
  }

  /** Changes a resource as kubectl does: again if the operator wrote in between. */
  private void edit(String name, UnaryOperator<ImageBuild> change) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreException(KubernetesClientException.class)
        .until(
            () ->
                client()
                        .resources(ImageBuild.class)
                        .inNamespace(NAMESPACE)
                        .withName(name)
                        .edit(change)
                    != null);
  }

  ImageBuild get(String name) {
    return requireNonNull(
        client().resources(ImageBuild.class).inNamespace(NAMESPACE).withName(name).get());
  }

  ImageBuildStatus status(String name) {
    return Optional.ofNullable(get(name).getStatus()).orElse(ImageBuildStatus.NONE);
  }

  ImageBuildStatus await(String name, String wish, Predicate<ImageBuildStatus> wished) {
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
  ImageBuildStatus awaitReady(String name, String status, String reason) {
    return await(
        name,
        "Ready=%s, %s".formatted(status, reason),
        now ->
            now.condition("Ready")
                .filter(ready -> ready.getStatus().equals(status))
                .filter(ready -> ready.getReason().equals(reason))
                .isPresent());
  }

  ImageBuildStatus awaitFailed(String name, FailureReason reason) {
    return awaitReady(name, "False", reason.name());
  }

  /** Waits for the Job of a run. */
  Job awaitJob(String name, long run) {
    return awaitJob(name, run, 1);
  }

  Job awaitJob(String name, long run, int attempt) {
    var uid = get(name).getMetadata().getUid();
    return Awaitility.await("a Job of run %d of %s, attempt %d".formatted(run, name, attempt))
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                jobs().stream()
                    .filter(job -> uid.equals(Labels.label(job, Labels.UID)))
                    .filter(job -> Labels.number(job, Labels.RUN) == run)
                    .filter(job -> Labels.number(job, Labels.ATTEMPT) == attempt)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  /** Waits until the status says that a run has this Job, then gives its nonce. */
  String nonce(Job job) {
    var map =
        client().configMaps().inNamespace(NAMESPACE).withName(job.getMetadata().getName()).get();
    return Orders.text(map).flatMap(BuildOrders::nonce).orElseThrow();
  }

  /** Ends a pod with an exit code and a termination message, and its Job. */
  void ends(Job job, Pod pod, int exit, @Nullable Outcome outcome) {
    podIs(pod, ended(exit, "Error", outcome == null ? null : Records.outcome(outcome)));
    jobEnds(job, exit == 0 ? "Complete" : "Failed", exit == 0 ? null : "PodFailurePolicy");
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
