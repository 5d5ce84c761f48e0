package build.kiln.operator.imagebuild;

import static java.util.Objects.requireNonNull;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.KilnOperator;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.JobSpec;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Orders;
import build.kiln.operator.quickstart.EmbeddedApiServer;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The operator against the in-memory API server. What kubelet, the Job controller and the garbage
 * collector would do, the test does by the methods here, when it wants it done.
 */
final class TestCluster implements AutoCloseable {
  static final String NAMESPACE = "default";
  static final String DIGEST = "sha256:" + "ab".repeat(32);
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  final MutableClock clock = new MutableClock();
  final Map<String, String> logs = new ConcurrentHashMap<>();
  volatile Admission admission = Admission.ofEverything();

  final Faults faults = new Faults();

  private final EmbeddedApiServer server = EmbeddedApiServer.start(0, faults::before);
  private final KubernetesClient client = server.client();
  private final AtomicInteger pods = new AtomicInteger();
  SimpleMeterRegistry metrics = new SimpleMeterRegistry();

  private final Settings settings;
  private @Nullable KilnOperator operator;

  TestCluster() {
    this("");
  }

  /**
   * @param more settings, as YAML
   */
  TestCluster(String more) {
    this.settings = settings(more);
    startOperator();
  }

  static Settings settings(String more) {
    return Serialization.unmarshal(
        """
        builderImage: kiln/builder:test
        missingPoll: 100ms
        progressInterval: 100ms
        podStartGrace: 20s
        leaderElection: {enabled: false}
        """
            + more,
        Settings.class);
  }

  KubernetesClient client() {
    return client;
  }

  void startOperator() {
    metrics = new SimpleMeterRegistry();
    operator =
        KilnOperator.start(
            new KilnOperator.Parts(
                client,
                settings,
                (namespace, pod, container, lines) -> Optional.ofNullable(logs.get(pod)),
                pod -> admission.of(pod),
                clock,
                metrics,
                null));
  }

  /**
   * Stops it when nothing changes any more: fabric8's server blocks itself for seconds if a watch
   * is closed while it has something to tell.
   */
  void stopOperator() {
    if (operator != null) {
      var before = new AtomicReference<>(versions());
      Awaitility.await("nothing changes")
          .pollInterval(Duration.ofMillis(100))
          .pollDelay(Duration.ofMillis(100))
          .atMost(PATIENCE)
          .until(() -> Objects.equals(before.get(), before.getAndSet(versions())));
      operator.close();
      operator = null;
    }
  }

  private List<String> versions() {
    return Stream.of(
            client.resources(ImageBuild.class).inNamespace(NAMESPACE).list().getItems(),
            jobs(),
            client.pods().inNamespace(NAMESPACE).list().getItems())
        .flatMap(List::stream)
        .map(
            resource ->
                resource.getMetadata().getUid() + resource.getMetadata().getResourceVersion())
        .toList();
  }

  /** Creates or changes an ImageBuild of this spec in YAML; the output is given. */
  void apply(String name, String spec) {
    ImageBuild wanted = build(name, spec);
    var found = client.resources(ImageBuild.class).inNamespace(NAMESPACE).withName(name);
    if (found.get() == null) {
      client.resource(wanted).create();
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
                client
                        .resources(ImageBuild.class)
                        .inNamespace(NAMESPACE)
                        .withName(name)
                        .edit(change)
                    != null);
  }

  ImageBuild get(String name) {
    return requireNonNull(
        client.resources(ImageBuild.class).inNamespace(NAMESPACE).withName(name).get());
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

  List<Job> jobs() {
    return client.batch().v1().jobs().inNamespace(NAMESPACE).list().getItems();
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
        client.configMaps().inNamespace(NAMESPACE).withName(job.getMetadata().getName()).get();
    return Orders.text(map).flatMap(BuildOrders::nonce).orElseThrow();
  }

  /** Makes a pod of a Job with this status. */
  Pod pod(Job job, PodStatus status) {
    var template = job.getSpec().getTemplate();
    var pod =
        client
            .pods()
            .inNamespace(NAMESPACE)
            .resource(
                new PodBuilder()
                    .withNewMetadata()
                    .withName(job.getMetadata().getName() + "-" + pods.incrementAndGet())
                    .withNamespace(NAMESPACE)
                    .withLabels(template.getMetadata().getLabels())
                    .withAnnotations(template.getMetadata().getAnnotations())
                    .addNewOwnerReference()
                    .withApiVersion("batch/v1")
                    .withKind("Job")
                    .withName(job.getMetadata().getName())
                    .withUid(job.getMetadata().getUid())
                    .withController(true)
                    .endOwnerReference()
                    .endMetadata()
                    .withSpec(template.getSpec())
                    .build())
            .create();
    return podIs(pod, status);
  }

  Pod podIs(Pod pod, PodStatus status) {
    return client
        .pods()
        .inNamespace(NAMESPACE)
        .withName(pod.getMetadata().getName())
        .editStatus(
            found -> {
              found.setStatus(status);
              return found;
            });
  }

  /** A pod of a Job that runs. */
  Pod runs(Job job) {
    return pod(job, new PodStatusBuilder().withPhase("Running").build());
  }

  /** Ends a pod with an exit code and a termination message, and its Job. */
  void ends(Job job, Pod pod, int exit, @Nullable Outcome outcome) {
    podIs(pod, ended(exit, "Error", outcome == null ? null : Records.outcome(outcome)));
    jobEnds(job, exit == 0 ? "Complete" : "Failed", exit == 0 ? null : "PodFailurePolicy");
  }

  /** Ends a Job; again if the operator wrote in between, which seals it once its pod is over. */
  void jobEnds(Job job, String type, @Nullable String reason) {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreException(KubernetesClientException.class)
        .until(() -> jobEndsNow(job, type, reason) != null);
  }

  private Job jobEndsNow(Job job, String type, @Nullable String reason) {
    return client
        .batch()
        .v1()
        .jobs()
        .inNamespace(NAMESPACE)
        .withName(job.getMetadata().getName())
        .editStatus(
            found -> {
              found.setStatus(
                  new JobStatusBuilder()
                      .addNewCondition()
                      .withType(type)
                      .withStatus("True")
                      .withReason(reason)
                      .withMessage("as the test says")
                      .endCondition()
                      .build());
              return found;
            });
  }

  /** What the garbage collector does when a Job is deleted. */
  void collect(Pod pod) {
    client.pods().inNamespace(NAMESPACE).withName(pod.getMetadata().getName()).delete();
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

  static PodStatus ended(int exit, String reason, @Nullable String message) {
    ContainerState state =
        new ContainerStateBuilder()
            .withNewTerminated()
            .withExitCode(exit)
            .withReason(exit == 0 ? "Completed" : reason)
            .withMessage(message)
            .endTerminated()
            .build();
    return new PodStatusBuilder()
        .withPhase(exit == 0 ? "Succeeded" : "Failed")
        .addNewContainerStatus()
        .withName(JobSpec.CONTAINER)
        .withState(state)
        .endContainerStatus()
        .build();
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

  /** The events of a reason, once there is one. */
  List<Event> awaitEvents(String reason) {
    return Awaitility.await("an event " + reason)
        .atMost(PATIENCE)
        .until(() -> events(reason), found -> !found.isEmpty());
  }

  List<Event> events(String reason) {
    return client.v1().events().inNamespace(NAMESPACE).list().getItems().stream()
        .filter(event -> event.getReason().equals(reason))
        .toList();
  }

  static String timeAgo(Duration ago) {
    return Instant.now().minus(ago).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  @Override
  public void close() {
    stopOperator();
    server.close();
  }
}
