package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is damaged in the local store is as if it were not there. */
class DamagedStoreTest {
  @TempDir Path folder;
  private BuildBench bench;
  private String dockerfile;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("f", "text");
    dockerfile = "FROM " + bench.debianLike() + "\nCOPY f /srv/f\nCOPY --link f /g\n";
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  /** Another byte in the middle, the same size. */
  private void damage(Digest blob) throws IOException {
    Path file = bench.store().blobPath(blob);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 0x40;
    Files.write(file, bytes);
  }

  private Built push(String repository) throws Exception {
    Reference name = bench.registry.reference(repository + ":1");
    return bench.build(
        dockerfile,
        StepCache.local(bench.store(), ""),
        result -> {
          new ImagePusher(bench.store(), bench.client)
              .push(result, List.of(name), new BuildProgress(event -> {}));
          return List.of(name);
        });
  }

  private void expectMended() {
    assertThat(bench.events)
        .filteredOn(BuildEvent.Warning.class::isInstance)
        .singleElement()
        .asString()
        .contains("damaged and has been mended");
  }

  @Test
  void aStepsLayerIsMadeAgain() throws Exception {
    Built first = push("one");
    damage(first.layers().getLast().descriptor().digest());

    Built second = push("two");

    expectMended();
    assertThat(second.layers()).isEqualTo(first.layers());
    assertThat(bench.client.fetchManifest(bench.registry.reference("two:1")).descriptor().digest())
        .hasToString(second.digest());
  }

  @Test
  void aBasesLayerIsPulledAgain() throws Exception {
    damage(bench.build(dockerfile).layers().getFirst().descriptor().digest());
    String base = dockerfile.lines().findFirst().orElseThrow();

    Built built = bench.build(base + " AS b\nFROM scratch\nCOPY --from=b /srv/target /t\n");

    expectMended();
    assertThat(built.text("t")).isEqualTo("old");
  }

  @Test
  void aBasesDocumentsAreFetchedAgain() throws Exception {
    Built first = bench.build(dockerfile);
    Reference base = Reference.parse(dockerfile.lines().findFirst().orElseThrow().substring(5));
    var manifest = bench.client.fetchManifest(base);
    bench.store().tag(base, manifest.descriptor());
    damage(manifest.descriptor().digest());

    Built second = bench.build(dockerfile);

    expectMended();
    assertThat(second.digest()).isEqualTo(first.digest());
  }

  /** The layer is looked at only when the manifest is there again. */
  @Test
  void whatIsMetOneAfterTheOtherIsMended() throws Exception {
    Built first = bench.build(dockerfile);
    String base = dockerfile.lines().findFirst().orElseThrow();
    Reference name = Reference.parse(base.substring(5));
    var manifest = bench.client.fetchManifest(name);
    bench.store().tag(name, manifest.descriptor());
    damage(manifest.descriptor().digest());
    damage(first.layers().getFirst().descriptor().digest());

    try (LocalStore later = LocalStore.open(bench.store().root())) {
      BuildResult built =
          bench.buildElsewhere(
              base + " AS b\nFROM scratch\nCOPY --from=b /srv/target /t\n",
              later,
              StepCache.local(later, ""));
      assertThat(built.manifest().layers()).hasSize(1);
    }
  }

  @Test
  void whatCannotBeHadAgainIsSaid() throws Exception {
    Built built = push("one");
    damage(built.layers().getLast().descriptor().digest());
    var pusher = new ImagePusher(bench.store(), bench.client);
    var names = List.of(bench.registry.reference("two:1"));

    BuildException failed =
        Objects.requireNonNull(
            catchThrowableOfType(
                BuildException.class,
                () -> pusher.push(built.result(), names, new BuildProgress(event -> {}))));

    assertThat(failed.reason()).isEqualTo(FailureReason.Infrastructure);
    assertThat(failed)
        .hasMessageContaining(built.layers().getLast().descriptor().digest().toString())
        .hasMessageContaining("damaged")
        .hasMessageContaining("build it again");
  }

  @Test
  void otherFailuresAreWhatTheyWere() throws Exception {
    push("one");
    dockerfile = dockerfile + "COPY missing /\n";
    BuildException failed =
        Objects.requireNonNull(
            catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile)));
    assertThat(failed.reason()).isEqualTo(FailureReason.StepFailed);
    assertThat(bench.events).noneMatch(BuildEvent.Warning.class::isInstance);
  }
}
