package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What {@code spec.cache.volume} keeps from pod to pod. */
@EndToEnd
class CacheVolumeE2E {
  private final Cluster cluster;

  CacheVolumeE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  /** A volume of the node's disk for a claim: what kubelet sets owners and maps ids on. */
  private void volume(TestNamespace namespace, String claim) {
    String path = "/var/lib/kubelet/kiln-e2e/" + namespace.name();
    cluster.onNode("mkdir", "-p", path);
    String node = cluster.client().nodes().list().getItems().getFirst().getMetadata().getName();
    cluster.apply(
        """
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: "%1$s-%2$s"}
        spec:
          accessModes: [ReadWriteOnce]
          capacity: {storage: 20Gi}
          storageClassName: ""
          persistentVolumeReclaimPolicy: Retain
          claimRef: {namespace: "%1$s", name: "%2$s"}
          local: {path: "%3$s"}
          nodeAffinity:
            required:
              nodeSelectorTerms:
              - matchExpressions:
                - {key: kubernetes.io/hostname, operator: In, values: ["%4$s"]}
        """
            .formatted(namespace.name(), claim, path, node));
  }

  private static String ofNoClass(String manifest) {
    return manifest.replace(
        "  accessModes: [ReadWriteOnce]\n",
        "  accessModes: [ReadWriteOnce]\n  storageClassName: \"\"\n");
  }

  /** Of the steps that a cache can have. */
  private static List<CacheResult> results(ImageBuild build) {
    return Objects.requireNonNull(Builds.newestRun(build).steps()).stream()
        .map(Step::cache)
        .filter(Objects::nonNull)
        .toList();
  }

  private static ImageBuild again(TestNamespace namespace, String build, String value) {
    namespace.kubectl("annotate", "kbuild", build, "--overwrite", "kiln.build/rebuild=" + value);
    return namespace.await(
        build,
        "was built again",
        found ->
            value.equals(found.getStatus().lastHandledRebuild())
                && Builds.newestRun(found).phase() == Phase.Succeeded);
  }

  @Test
  void aFreshPodFindsAllStepsAndCacheMountsOnTheVolume() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      volume(namespace, "build-cache");
      String manifest = ofNoClass(Example.manifest("cache-volume", namespace));
      namespace.apply(manifest);
      var first = namespace.awaitReady("cached");
      assertThat(results(first)).containsExactly(CacheResult.Miss, CacheResult.Miss);

      var second = again(namespace, "cached", "one");

      assertThat(results(second)).containsExactly(CacheResult.Hit, CacheResult.Hit);
      assertThat(Builds.digest(second)).isEqualTo(Builds.digest(first));
      assertThat(namespace.pods()).extracting(Pod::getMetadata).hasSize(2);

      namespace.apply(manifest.replace("          two\n", "          two\n          three\n"));
      var third =
          namespace.await(
              "cached",
              "was built anew",
              found ->
                  Builds.newestRun(found).number() == 3
                      && Builds.newestRun(found).phase() == Phase.Succeeded);

      assertThat(results(third)).containsExactly(CacheResult.Miss, CacheResult.Miss);
      String[] read = {"cat", "/packages/one"};
      assertThat(namespace.runPod(Builds.image(third), read))
          .as("fetched by the first run")
          .isEqualTo(namespace.runPod(Builds.image(first), read));
      assertThat(namespace.runPod(Builds.image(third))).contains("three");
    }
  }

  @Test
  void aPodOfNoRightsWritesToTheVolumeToo() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      volume(namespace, "build-cache");
      namespace.apply(
          """
          apiVersion: v1
          kind: PersistentVolumeClaim
          metadata: {name: build-cache}
          spec:
            accessModes: [ReadWriteOnce]
            storageClassName: ""
            resources: {requests: {storage: 1Gi}}
          """);
      namespace.build(
          "copy",
          """
          source: {inline: [{path: f, content: "copied"}]}
          dockerfile: {inline: "FROM busybox:1\\nWORKDIR /w\\nCOPY f /bin/f\\n"}
          cache: {volume: {claimName: build-cache, subPath: a/b}}
          """);
      var first = namespace.awaitReady("copy");
      assertThat(results(first)).containsExactly(CacheResult.Miss, CacheResult.Miss);

      var second = again(namespace, "copy", "one");

      assertThat(results(second)).containsExactly(CacheResult.Hit, CacheResult.Hit);
      assertThat(Builds.digest(second)).isEqualTo(Builds.digest(first));
    }
  }
}
