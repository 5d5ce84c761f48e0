package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import build.kiln.api.v1alpha1.Isolation;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
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

  /** A claim named build-cache, and its volume. */
  private void claimedVolume(TestNamespace namespace) {
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

  /** Which owner, mode and capability files have in a step that sees them through other layers. */
  private static final String SEES =
      """
      source: {inline: [{path: f, content: "copied"}]}
      dockerfile:
        inline: |
          FROM debian:trixie-slim
          COPY --chown=1234:4321 --chmod=6755 f /own/f
          RUN chown 4321:1234 /own && chmod 7751 /own && install -m 4711 -o 65534 -g 7 /usr/bin/id /own/id
          RUN stat -c '%%n %%a %%u:%%g' /own /own/f /own/id /usr/bin/passwd /etc/shadow > /seen \\
            && setpriv --reuid 1000 --clear-groups /own/id -u >> /seen && echo %s > /run-of
      cache: {volume: {claimName: build-cache}}
      """;

  /**
   * Layers stay unpacked on the volume, whose IDs kubelet maps for each pod anew: what one pod has
   * unpacked is right for the next, which has other IDs of the node.
   */
  @Test
  void whatIsUnpackedOnTheVolumeIsRightInTheNextPod() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      claimedVolume(namespace);
      var layers = new ArrayList<Set<String>>();
      for (int run = 1; run <= 3; run++) {
        int number = run;
        namespace.build("kept", SEES.formatted("run " + run));
        var build =
            namespace.await(
                "kept",
                "was built",
                found ->
                    found.getStatus() != null
                        && found.getStatus().newestRun().isPresent()
                        && Builds.newestRun(found).number() == number
                        && Builds.newestRun(found).phase() == Phase.Succeeded);

        assertThat(Builds.platform(build).isolation())
            .extracting(isolation -> Objects.requireNonNull(isolation).achieved())
            .isEqualTo(Isolation.Namespaces);
        assertThat(namespace.runPod(Builds.image(build), "cat", "/run-of", "/seen").lines())
            .containsExactly(
                "run " + run,
                "/own 7751 4321:1234",
                "/own/f 6755 1234:4321",
                "/own/id 4711 65534:7",
                "/usr/bin/passwd 4755 0:0",
                "/etc/shadow 640 0:42",
                "65534");
        layers.add(unpacked(namespace));
      }
      // The base by the first, the steps that are found by the second; the third has all of it.
      assertThat(layers.get(0)).isNotEmpty();
      assertThat(layers.get(1)).containsAll(layers.get(0)).hasSizeGreaterThan(layers.get(0).size());
      assertThat(layers.get(2)).isEqualTo(layers.get(1));
    }
  }

  /** The trees of layers on the volume, with their inodes: one that was made anew has another. */
  private Set<String> unpacked(TestNamespace namespace) {
    String store = "/var/lib/kubelet/kiln-e2e/" + namespace.name() + "/store/unpacked";
    String trees =
        cluster.onNode(
            "sh", "-c", "find " + store + " -path '*/sha256-*/layer' -prune -exec ls -id {} +");
    return trees.lines().map(String::strip).collect(Collectors.toSet());
  }

  @Test
  void aPodOfNoRightsWritesToTheVolumeToo() {
    try (var namespace = TestNamespace.create(cluster, "restricted")) {
      claimedVolume(namespace);
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
