package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.NAMESPACE;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.JobMaker;
import build.kiln.operator.job.Limits;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.quickstart.EmbeddedApiServer;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Passes whose informers know less than the API server. */
class LateInformerTest {
  private static final String HELLO = "dockerfile: {inline: \"FROM scratch\"}";
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final Settings SETTINGS = TestCluster.settings("");
  private static final Admission NO_NAMESPACES =
      pod ->
          Objects.equals(pod.getSpec().getHostUsers(), false)
              ? new Admission.Refused("no user namespaces")
              : new Admission.Admitted();

  private final EmbeddedApiServer server = EmbeddedApiServer.start(0);
  private final KubernetesClient client = server.client();
  private final ImageBuild build = TestCluster.build("hello", HELLO);

  @AfterEach
  void stop() {
    server.close();
  }

  /** A pass as it is when no informer has seen a Job or a pod. */
  private Action pass(Admission admission, List<Job> known) {
    var observer =
        new Observer(
            client,
            SETTINGS,
            new BuildQueue(new Limits(1, 1)),
            admission,
            (namespace, pod, container, lines) -> Optional.empty());
    var observed = observer.observe(build, known, List.of(), NOW);
    var decision = Decider.decide(build, observed, SETTINGS, NOW);
    var action =
        new Actor(new JobMaker(client, () -> "0123456789abcdef", BuildOrders::nonce), SETTINGS)
            .act(build, decision);
    lastStatus = NextStatus.of(build, observed, action, SETTINGS, NOW);
    return action;
  }

  private ImageBuildStatus lastStatus = ImageBuildStatus.NONE;

  private void accepted() {
    pass(Admission.ofEverything(), List.of());
    build.setStatus(lastStatus);
  }

  private List<Job> jobs() {
    return client.batch().v1().jobs().inNamespace(NAMESPACE).list().getItems();
  }

  @Test
  void anAttemptWhoseStatusWasLostIsNotMadeAgainInAnotherTier() {
    accepted();
    pass(Admission.ofEverything(), List.of());
    assertThat(jobs()).hasSize(1);

    // The status is lost, and the dry run now answers otherwise.
    for (var admission : List.of(NO_NAMESPACES, refusesAll())) {
      var action = pass(admission, List.of());
      assertThat(jobs()).hasSize(1);
      assertThat(action)
          .isEqualTo(new Action.Start(1, Isolation.Namespaces, "", SecretFiles.NONE, Map.of()));
      assertThat(lastStatus.newestRun().orElseThrow().platform().orElseThrow().job())
          .isEqualTo(jobs().getFirst().getMetadata().getName());
    }
  }

  /** Kueue and Kyverno label Jobs, and the pods do not have those labels. */
  @Test
  void theEndOfAJobWithForeignLabelsIsReadFromItsPod() {
    accepted();
    pass(Admission.ofEverything(), List.of());
    build.setStatus(lastStatus);
    var job = jobs().getFirst();
    var labels = new HashMap<>(job.getMetadata().getLabels());
    labels.put("kueue.x-k8s.io/queue-name", "builds");
    job.getMetadata().setLabels(labels);
    job.setStatus(
        new JobStatusBuilder()
            .addNewCondition()
            .withType("Complete")
            .withStatus("True")
            .endCondition()
            .build());
    var pod =
        client
            .pods()
            .resource(
                new PodBuilder()
                    .withNewMetadata()
                    .withName("hello-pod")
                    .withNamespace(NAMESPACE)
                    .withLabels(job.getSpec().getTemplate().getMetadata().getLabels())
                    .addNewOwnerReference()
                    .withUid(job.getMetadata().getUid())
                    .endOwnerReference()
                    .endMetadata()
                    .withSpec(job.getSpec().getTemplate().getSpec())
                    .build())
            .create();
    pod.setStatus(TestCluster.ended(0, "", Records.outcome(TestCluster.pushed("r/x"))));
    client.pods().resource(pod).updateStatus();

    assertThat(pass(Admission.ofEverything(), List.of(job)))
        .isInstanceOfSatisfying(
            Action.Finish.class,
            finish -> assertThat(finish.result()).isInstanceOf(Result.Success.class));
  }

  private static Admission refusesAll() {
    return _ -> new Admission.Refused("none");
  }
}
