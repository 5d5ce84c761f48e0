package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.NAMESPACE;
import static build.kiln.operator.imagebuild.TestCluster.failed;
import static build.kiln.operator.imagebuild.TestCluster.newest;
import static build.kiln.operator.imagebuild.TestCluster.pushed;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.work.ExitCode;
import build.kiln.operator.job.Labels;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.CustomResourceDefinitionContext;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One resource that cannot be read is its own trouble, and nobody else's. */
class UnreadableTest {
  private static final String HELLO = "dockerfile: {inline: \"FROM scratch\"}";

  private final TestCluster cluster = new TestCluster();

  @AfterEach
  void stop() {
    cluster.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{resources: {limits: {memory: \"\"}}} | limits.memory cannot be read",
        "{resources: {limits: {memory: lots}}} | limits.memory cannot be read",
        "{resources: {limits: {memory: -1Gi}}} | memory is -1Gi, less than 0",
        "{affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3000000000}]}}} | weight cannot be read",
        "{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101}]}}} | a weight is 101",
      })
  void aSpecThatCannotBeReadStopsNobodyElse(String podTemplate, String words) {
    create("broken", HELLO + "\npodTemplate: " + podTemplate);
    toldSpecInvalid("broken", words);
    cluster.apply("watched", HELLO);
    cluster.awaitJob("watched", 1);

    cluster.stopOperator();
    cluster.startOperator();
    cluster.apply("listed", HELLO);
    cluster.succeeds("listed", 1);
    toldSpecInvalid("broken", words);

    // The spec is not lost by writing the status, and a mended one is built.
    assertThat(raw("broken").<Map<String, Object>>get("spec")).containsKey("podTemplate");
    assertThat(cluster.jobs())
        .extracting(job -> Labels.annotation(job, BuildLabels.NAME))
        .containsOnly("watched", "listed");
    change("broken", 2, HELLO);
    cluster.succeeds("broken", 1);
  }

  @Test
  void aBuildThatBecomesUnreadableIsGivenUpAndItsJobsExpire() {
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");
    cluster.annotate("hello", "again");
    cluster.awaitJob("hello", 2);

    change("hello", 2, HELLO + "\npodTemplate: {resources: {limits: {memory: lots}}}");

    toldSpecInvalid("hello", "limits.memory");
    Awaitility.await().until(() -> cluster.jobs().size() == 1);
    Awaitility.await()
        .until(() -> cluster.jobs().getFirst().getSpec().getTtlSecondsAfterFinished() != null);
  }

  @Test
  void aStatusOfANewerReleaseIsReadAsFarAsItCanBe() {
    cluster.apply("hello", HELLO);
    cluster.fails("hello", 1, ExitCode.USER.code(), failed(FailureReason.PushDenied, "it is so"));
    cluster.awaitFailed("hello", FailureReason.PushDenied);
    cluster.stopOperator();
    var later = raw("hello");
    Map<String, Object> status = later.get("status");
    later.setAdditionalProperty(
        "status",
        Serialization.unmarshal(
            Serialization.asJson(status).replace("\"PushDenied\"", "\"FromTheFuture\""),
            Map.class));
    resources().inNamespace(NAMESPACE).resource(later).updateStatus();

    cluster.startOperator();
    cluster.apply("other", HELLO);
    cluster.succeeds("other", 1);
    var read = cluster.awaitReady("hello", "False", "Unknown");
    assertThat(read.condition("Ready").orElseThrow().getMessage()).isEqualTo("it is so");
    assertThat(read.allRuns()).extracting(ImageBuildStatus.Run::number).containsExactly(1L);
    cluster.annotate("hello", "again");
    cluster.succeeds("hello", 2);
    assertThat(newest(cluster.awaitReady("hello", "True", "Succeeded")).platform().orElseThrow())
        .extracting("digest")
        .isEqualTo(Objects.requireNonNull(pushed("x").digest()));
  }

  private void toldSpecInvalid(String name, String words) {
    var status = cluster.awaitFailed(name, FailureReason.SpecInvalid);
    assertThat(status.condition("Ready").orElseThrow().getMessage()).contains(words);
    assertThat(status.condition("Stalled").orElseThrow().getStatus()).isEqualTo("True");
  }

  private void create(String name, String spec) {
    resources().inNamespace(NAMESPACE).resource(manifest(name, spec)).create();
  }

  /** Changes a spec as kubectl does: again if the operator wrote in between. */
  private void change(String name, long generation, String spec) {
    Awaitility.await()
        .ignoreException(KubernetesClientException.class)
        .until(() -> changeNow(name, generation, spec) != null);
  }

  private GenericKubernetesResource changeNow(String name, long generation, String spec) {
    return resources()
        .inNamespace(NAMESPACE)
        .withName(name)
        .edit(
            found -> {
              found.setAdditionalProperty(
                  "spec", manifest(name, spec).getAdditionalProperties().get("spec"));
              found.getMetadata().setGeneration(generation);
              return found;
            });
  }

  private GenericKubernetesResource raw(String name) {
    return resources().inNamespace(NAMESPACE).withName(name).get();
  }

  private static GenericKubernetesResource manifest(String name, String spec) {
    return Serialization.unmarshal(
        """
        apiVersion: kiln.build/v1alpha1
        kind: ImageBuild
        metadata: {name: %s, namespace: %s, generation: 1}
        spec:
        """
                .formatted(name, NAMESPACE)
            + (spec + "\noutput: {image: registry.example.com/x}").indent(2),
        GenericKubernetesResource.class);
  }

  private MixedOperation<
          GenericKubernetesResource,
          GenericKubernetesResourceList,
          Resource<GenericKubernetesResource>>
      resources() {
    return cluster
        .client()
        .genericKubernetesResources(
            CustomResourceDefinitionContext.fromCustomResourceType(ImageBuild.class));
  }
}
