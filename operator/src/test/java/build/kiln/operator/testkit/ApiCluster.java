package build.kiln.operator.testkit;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.operator.KilnOperator;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.JobSpec;
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
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * The operator against the in-memory API server. What kubelet, the Job controller and the garbage
 * collector would do, the test does by the methods here, when it wants it done.
 */
public abstract class ApiCluster implements AutoCloseable {
  public static final String NAMESPACE = "default";
  protected static final Duration PATIENCE = Duration.ofSeconds(20);

  public final MutableClock clock = new MutableClock();
  public final Map<String, String> logs = new ConcurrentHashMap<>();
  public volatile Admission admission = Admission.ofEverything();

  public final Faults faults = new Faults();

  private final EmbeddedApiServer server = EmbeddedApiServer.start(0, faults::before);
  private final KubernetesClient client = server.client();
  private final AtomicInteger pods = new AtomicInteger();
  public SimpleMeterRegistry metrics = new SimpleMeterRegistry();

  private final Settings settings;
  private @Nullable KilnOperator operator;

  /** With these settings more, as YAML. */
  protected ApiCluster(String more) {
    this.settings = settings(more);
    startOperator();
  }

  public static Settings settings(String more) {
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

  public KubernetesClient client() {
    return client;
  }

  public void startOperator() {
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
  public void stopOperator() {
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
            client.resources(ImageMirror.class).inNamespace(NAMESPACE).list().getItems(),
            client.resources(ImagePrunePolicy.class).list().getItems(),
            jobs(),
            client.pods().inNamespace(NAMESPACE).list().getItems())
        .flatMap(List::stream)
        .map(
            resource ->
                resource.getMetadata().getUid() + resource.getMetadata().getResourceVersion())
        .toList();
  }

  public List<Job> jobs() {
    return client.batch().v1().jobs().inNamespace(NAMESPACE).list().getItems();
  }

  /** Makes a pod of a Job with this status. */
  public Pod pod(Job job, PodStatus status) {
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

  public Pod podIs(Pod pod, PodStatus status) {
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
  public Pod runs(Job job) {
    return pod(job, new PodStatusBuilder().withPhase("Running").build());
  }

  /** Ends a Job; again if the operator wrote in between, which seals it once its pod is over. */
  public void jobEnds(Job job, String type, @Nullable String reason) {
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
  public void collect(Pod pod) {
    client.pods().inNamespace(NAMESPACE).withName(pod.getMetadata().getName()).delete();
  }

  public static PodStatus ended(int exit, String reason, @Nullable String message) {
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

  /** The events of a reason, once there is one. */
  public List<Event> awaitEvents(String reason) {
    return Awaitility.await("an event " + reason)
        .atMost(PATIENCE)
        .until(() -> events(reason), found -> !found.isEmpty());
  }

  public List<Event> events(String reason) {
    return client.v1().events().inNamespace(NAMESPACE).list().getItems().stream()
        .filter(event -> event.getReason().equals(reason))
        .toList();
  }

  public static String timeAgo(Duration ago) {
    return Instant.now().minus(ago).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  @Override
  public void close() {
    stopOperator();
    server.close();
  }
}
