package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What happens to a build over time. */
@EndToEnd
class LifecycleE2E {
  private static final String SLOW =
      """
      dockerfile: {inline: "FROM busybox:1\\nRUN sleep 8; head -c 8 /dev/urandom > /random\\n"}
      """;
  private final Cluster cluster;
  private final Installation installation;

  LifecycleE2E(Installation installation) {
    this.installation = installation;
    this.cluster = installation.cluster();
  }

  @Test
  @ResourceLock(EndToEnd.OPERATOR)
  void killingTheOperatorLosesNothingAndBuildsNothingTwice() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("slow", SLOW);
      var pod = namespace.awaitBuilderPod("slow");

      installation.killOperator();

      var build = namespace.awaitReady("slow");
      assertThat(Builds.newestRun(build).number()).isEqualTo(1);
      assertThat(namespace.jobs(build)).hasSize(1);
      assertThat(namespace.pods())
          .extracting(found -> found.getMetadata().getUid())
          .containsExactly(pod.getMetadata().getUid());
      assertThat(RegistryProbe.digest(cluster, namespace.name() + "/slow", "latest"))
          .isEqualTo(Builds.digest(build));
    }
  }

  @Test
  void anEvictedBuilderIsFollowedByAnotherAndTheImageIsBuiltOnce() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("evicted", SLOW.replace("sleep 8", "sleep 20"));
      var evicted = namespace.awaitBuilderPod("evicted");

      assertThat(
              cluster
                  .client()
                  .pods()
                  .inNamespace(namespace.name())
                  .withName(evicted.getMetadata().getName())
                  .evict())
          .isTrue();

      var build = namespace.awaitReady("evicted");
      assertThat(Builds.newestRun(build).number()).isEqualTo(1);
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(
              () ->
                  assertThat(namespace.jobs(build))
                      .singleElement()
                      .satisfies(
                          job -> {
                            assertThat(job.getStatus().getFailed()).isEqualTo(1);
                            assertThat(job.getStatus().getSucceeded()).isEqualTo(1);
                          }));
      assertThat(namespace.pods())
          .filteredOn(pod -> "Succeeded".equals(pod.getStatus().getPhase()))
          .singleElement()
          .satisfies(
              pod ->
                  assertThat(pod.getMetadata().getUid())
                      .isNotEqualTo(evicted.getMetadata().getUid()));
      assertThat(RegistryProbe.digest(cluster, namespace.name() + "/evicted", "latest"))
          .isEqualTo(Builds.digest(build));
    }
  }

  @Test
  void theSameManifestAgainBuildsNothingAndTheAnnotationBuildsAgain() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      var spec =
          "dockerfile: {inline: \"FROM busybox:1\\nRUN head -c 8 /dev/urandom > /random\\n\"}\n";
      namespace.build("again", spec);
      var first = namespace.awaitReady("again");

      namespace.build("again", spec);
      namespace.kubectl("label", "kbuild", "again", "some=label");
      namespace.build("again", spec + "suspend: false\nhistory: {successful: 2}\n");
      // What is nothing to build leaves no trace: a later build's run number tells.
      namespace.kubectl("annotate", "kbuild", "again", "kiln.build/rebuild=one");

      var second =
          namespace.await(
              "again",
              "was built again",
              found ->
                  "one".equals(found.getStatus().lastHandledRebuild())
                      && Builds.newestRun(found).phase() == Phase.Succeeded);
      assertThat(Builds.newestRun(second).number()).isEqualTo(2);
      assertThat(Builds.cause(second)).isEqualTo("Rebuild");
      assertThat(Builds.image(second)).isNotEqualTo(Builds.image(first));
      assertThat(namespace.kubectl("get", "events"))
          .contains("kbuild/again".replace("kbuild", "imagebuild"));
    }
  }

  @Test
  void deletingTheResourceRemovesJobAndPodsButNotTheImage() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("done", "dockerfile: {inline: \"FROM busybox:1\\nENV A=b\\n\"}\n");
      namespace.build("running", SLOW.replace("sleep 8", "sleep 300"));
      var done = namespace.awaitReady("done");
      namespace.awaitBuilderPod("running");

      namespace.kubectl("delete", "kbuild", "--all", "--wait=true");

      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(
              () -> {
                assertThat(namespace.pods()).isEmpty();
                assertThat(
                        cluster
                            .client()
                            .batch()
                            .v1()
                            .jobs()
                            .inNamespace(namespace.name())
                            .list()
                            .getItems())
                    .isEmpty();
                assertThat(namespace.kubectl("get", "configmaps", "-o", "name"))
                    .isEqualTo("configmap/kube-root-ca.crt\n");
              });
      assertThat(RegistryProbe.find(cluster, namespace.name() + "/done", Builds.digest(done)))
          .contains(Builds.digest(done));
    }
  }

  @Test
  void aChangedSpecSupersedesARunningBuildAndKeepsTheGoodImage() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("change", "dockerfile: {inline: \"FROM busybox:1\\nENV A=1\\n\"}\n");
      var good = namespace.awaitReady("change");
      namespace.build("change", SLOW.replace("sleep 8", "sleep 300"));
      namespace.awaitBuilderPod("change");
      assertThat(Builds.ready(namespace.get("change")).orElseThrow().getStatus())
          .isEqualTo("Unknown");
      assertThat(Builds.image(namespace.get("change"))).isEqualTo(Builds.image(good));

      namespace.build("change", "dockerfile: {inline: \"FROM busybox:1\\nENV A=3\\n\"}\n");

      var build = namespace.awaitReady("change");
      assertThat(Builds.newestRun(build).number()).isEqualTo(3);
      assertThat(Builds.cause(build)).isEqualTo("SpecChanged");
      assertThat(Builds.image(build)).isNotEqualTo(Builds.image(good));
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(
              () ->
                  assertThat(
                          namespace.pods().stream()
                              .filter(pod -> "Running".equals(pod.getStatus().getPhase()))
                              .toList())
                      .isEqualTo(List.of()));
    }
  }

  @Test
  @ResourceLock(value = EndToEnd.OPERATOR, mode = ResourceAccessMode.READ)
  void theBuilderPodHasNoTokenAndTheOperatorServesMetrics() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      namespace.build("token", SLOW);
      var pod = namespace.awaitBuilderPod("token");
      assertThat(pod.getSpec().getAutomountServiceAccountToken()).isFalse();
      assertThat(pod.getSpec().getVolumes())
          .noneMatch(
              volume ->
                  volume.getProjected() != null
                      && volume.getProjected().getSources().stream()
                          .anyMatch(source -> source.getServiceAccountToken() != null));
      namespace.awaitReady("token");
      var metrics =
          cluster
              .kubectl()
              .ok(
                  "get",
                  "--raw",
                  "/api/v1/namespaces/"
                      + Installation.NAMESPACE
                      + "/services/kiln:8080/proxy/metrics");
      assertThat(metrics).contains("kiln_builds_finished_total");
    }
  }
}
