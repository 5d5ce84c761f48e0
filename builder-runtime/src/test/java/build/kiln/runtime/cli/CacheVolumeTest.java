package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.CacheEviction.Wish;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Orders whose cache is on a volume, each in a pod of its own. */
class CacheVolumeTest {
  private static final String TWO_STEPS =
      """
      source: {inline: [{path: f, content: "text"}]}
      dockerfile: {inline: "FROM scratch\\nCOPY f /one/\\nCOPY f /two/\\n"}
      output: {image: REGISTRY/shop/api}
      cache: {volume: {claimName: builds}}
      """;

  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private int pods;

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    Files.createDirectory(volume());
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  private Path volume() {
    return folder.resolve("volume");
  }

  private Path pod() {
    return folder.resolve("pod-" + pods);
  }

  /** Runs a spec in a fresh pod that mounts the volume. */
  private Captured run(String spec) throws IOException {
    pods++;
    Files.createDirectory(pod());
    var build = new ImageBuild();
    build.getMetadata().setName("test");
    build.setSpec(
        new YAMLMapper()
            .readValue(spec.replace("REGISTRY", registry.host()), ImageBuildSpec.class));
    var order =
        new WorkOrder(
            build,
            new WorkOrder.Resolved(
                1,
                1,
                null,
                null,
                build.getSpec().output().tags(),
                Isolation.NoRun,
                "0123456789abcdef"),
            WorkOrder.Settings.none());
    Path file = Files.writeString(pod().resolve("order.json"), Records.order(order));
    return Captured.run(
        "run",
        "-f",
        file.toString(),
        "--workspace",
        pod().resolve("workspace").toString(),
        "--cache-volume",
        volume().toString(),
        "--termination-log",
        pod().resolve("termination").toString());
  }

  private Outcome outcome() throws IOException {
    return Records.readOutcome(Files.readString(pod().resolve("termination"))).orElseThrow();
  }

  private static List<Path> files(Path below) throws IOException {
    try (Stream<Path> all = Files.walk(below)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  @Test
  void servesTheNextPodAndKeepsNothingUnfinished() throws IOException {
    Captured first = run(TWO_STEPS);
    assertThat(first.exitCode()).as(first.out()).isZero();
    assertThat(outcome().cached()).isZero();
    String digest = outcome().digest();
    assertThat(files(volume().resolve("store/tmp"))).isEmpty();
    assertThat(files(pod().resolve("workspace"))).isEmpty();

    Captured second = run(TWO_STEPS);

    assertThat(outcome().cached()).as(second.out()).isEqualTo(2);
    assertThat(outcome().digest()).isEqualTo(digest);
  }

  @Test
  void aCacheThatIsOffLeavesTheVolumeAlone() throws IOException {
    run(TWO_STEPS);
    var before = files(volume());

    run(
        TWO_STEPS.replace(
            "{volume: {claimName: builds}}", "{volume: {claimName: builds}, disabled: true}"));

    assertThat(outcome().cached()).isZero();
    assertThat(files(volume())).containsExactlyInAnyOrderElementsOf(before);
    assertThat(files(pod().resolve("workspace"))).isNotEmpty();
  }

  @Test
  void isAskedBeforeTheRegistry() throws IOException {
    String both =
        TWO_STEPS.replace(
            "{claimName: builds}}",
            "{claimName: builds}, registry: {repository: REGISTRY/shop/cache}}");
    run(both);
    registry.requests().clear();

    run(both);

    assertThat(outcome().cached()).isEqualTo(2);
    assertThat(registry.requests().count("GET", "/shop/cache/blobs/")).isZero();
    assertThat(registry.requests().count("GET", "/shop/cache/manifests/k-")).isZero();
  }

  @Test
  void isKeptAtItsSizeWhenTheBuildIsOver() throws IOException {
    run(TWO_STEPS);
    long size = 0;
    for (Path file : files(volume().resolve("store"))) {
      size += Files.size(file);
    }

    Captured same = run(TWO_STEPS.replace("builds}", "builds, maxSize: 10Mi}"));
    assertThat(outcome().cached()).isEqualTo(2);
    assertThat(same.out()).doesNotContain("making room");
    Captured less = run(TWO_STEPS.replace("builds}", "builds, maxSize: " + (size - 1) + "}"));

    assertThat(less.exitCode()).as(less.out()).isZero();
    assertThat(outcome().cached()).isEqualTo(2);
    assertThat(less.out())
        .containsPattern("making room on the cache's volume builds\\R.* removed that was not used");
    Captured nothing = run(TWO_STEPS.replace("builds}", "builds, maxSize: 1}"));
    assertThat(nothing.exitCode()).isZero();
    assertThat(files(volume().resolve("store/blobs"))).isEmpty();
    assertThat(files(volume().resolve("store/cache"))).isEmpty();
  }

  @Test
  void whatWasNotUsedForItsAgeGoes() throws IOException {
    run(TWO_STEPS);
    List<Path> old = files(volume().resolve("store/blobs"));
    assertThat(old).isNotEmpty();
    var before = FileTime.from(Instant.now().minus(Duration.ofHours(3)));
    for (Path file : files(volume().resolve("store"))) {
      Files.setLastModifiedTime(file, before);
    }

    Captured other =
        run(TWO_STEPS.replace("text", "other").replace("builds}", "builds, maxAge: 2h}"));

    assertThat(other.exitCode()).as(other.out()).isZero();
    assertThat(other.out()).containsPattern("removed that was not used for 2h, .* left");
    List<Path> left = files(volume().resolve("store/blobs"));
    assertThat(left).isNotEmpty().doesNotContainAnyElementsOf(old);
    Captured again =
        run(TWO_STEPS.replace("text", "other").replace("builds}", "builds, maxAge: 2h}"));
    assertThat(outcome().cached()).as(again.out()).isEqualTo(2);
    assertThat(again.out()).doesNotContain("making room");
  }

  @Test
  void aVolumeThatCannotBeUsedFailsNoBuild() throws IOException {
    Files.writeString(volume().resolve("store"), "no folder");

    Captured run = run(TWO_STEPS);

    assertThat(run.exitCode()).as(run.out()).isZero();
    assertThat(run.out()).contains("the volume builds of cache.volume cannot be used");
  }

  @Test
  void someRoomIsKeptWhateverTheSize() {
    assertThat(CacheVolume.wish(new VolumeCache("c", null, null, null), 7))
        .isEqualTo(new Wish(true, null, null, 70L));
    assertThat(CacheVolume.wish(new VolumeCache("c", null, new Quantity("1Ki"), null), 7))
        .isEqualTo(new Wish(true, null, 1024L, 7L));
  }

  /** Filled up to the last block by a cache mount. */
  @Test
  void aFullVolumeFailsNoBuildAndIsUsedByTheNext() throws Exception {
    Path disk = folder.resolve("disk");
    assumeTrue(
        succeeds("mke2fs", "-q", "-t", "ext4", "-m", "0", disk.toString(), "1M")
            && succeeds("mount", "-o", "loop", disk.toString(), volume().toString()),
        "needs mke2fs, and to mount a file system");
    try {
      run(TWO_STEPS);
      Path mount = Files.createDirectories(volume().resolve("store/cache-mounts/k"));
      Path lock = Files.createFile(mount.resolve("0.lock"));
      Files.setLastModifiedTime(lock, FileTime.fromMillis(1));
      Path filling = Files.createDirectory(mount.resolve("0")).resolve("filling");
      assertThatThrownBy(() -> Files.write(filling, new byte[1_000_000]))
          .hasMessageContaining("No space left");
      String other = TWO_STEPS.replace("text", "other").replace("builds}", "builds, maxSize: 1Gi}");

      Captured full = run(other);

      assertThat(full.exitCode()).as(full.out()).isZero();
      assertThat(full.out())
          .contains("making room", "there is no room left, building without the cache's volume");
      assertThat(filling).doesNotExist();
      Captured next = run(other);
      assertThat(next.out()).doesNotContain("no room left");
      assertThat(run(other).exitCode()).isZero();
      assertThat(outcome().cached()).isEqualTo(2);
    } finally {
      assertThat(succeeds("umount", volume().toString())).isTrue();
    }
  }

  private static boolean succeeds(String... command) throws IOException, InterruptedException {
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException missing) {
      return false;
    }
  }

  @Test
  void damagedContentIsDoneAgain() throws IOException {
    run(TWO_STEPS);
    String digest = outcome().digest();
    for (Path blob : files(volume().resolve("store/blobs"))) {
      byte[] bytes = Files.readAllBytes(blob);
      bytes[bytes.length / 2] ^= 1;
      Files.write(blob, bytes);
    }

    String image = "image: REGISTRY/shop/";
    Captured run = run(TWO_STEPS.replace(image + "api", image + "other"));

    assertThat(run.exitCode()).as(run.out()).isZero();
    assertThat(run.out()).contains("the local store was damaged and has been mended");
    // The image's time is in its history, of the steps that were done again too.
    assertThat(outcome().digest()).isNotEqualTo(digest);
    run(TWO_STEPS);
    assertThat(outcome().cached()).isEqualTo(2);
  }

  @Test
  void atADeskItIsTheLocalStore() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("imagebuild.yaml"),
            """
            apiVersion: kiln.build/v1alpha1
            kind: ImageBuild
            metadata: {name: x}
            spec:
            """
                + TWO_STEPS.replace("REGISTRY", registry.host()).indent(2));

    Captured run =
        Captured.run("run", "-f", file.toString(), "--workspace", folder.resolve("ws").toString());

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("cache.volume (builds) is ignored at a desk");
    assertThat(files(volume())).isEmpty();
  }
}
