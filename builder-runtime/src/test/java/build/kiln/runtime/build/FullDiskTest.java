package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Builds whose store and roots are on a file system that gets full: the failure says so, nothing is
 * left that takes room, and with more room the same build goes on from there.
 */
@ParameterizedClass
@EnumSource(names = {"Namespaces", "Chroot"})
@Timeout(120)
class FullDiskTest extends TierTest {
  private static final int MIB = 1 << 20;

  FullDiskTest(Isolation tier) {
    super(tier);
  }

  private Path disk() {
    return folder.resolve("disk");
  }

  @BeforeEach
  void mountSmallDisk() throws Exception {
    Files.createDirectories(disk());
    assumeTrue(
        succeeds("mount", "-t", "tmpfs", "-o", "size=20m", "none", disk().toString()),
        "needs to mount a file system");
    bench.storeIn(disk().resolve("store"));
    Files.createDirectory(disk().resolve("roots"));
    Files.createSymbolicLink(folder.resolve("s"), disk().resolve("roots"));
  }

  @AfterEach
  void unmount() throws Exception {
    // It is closed once more by the bench, and then must be on a file system.
    bench.freshStore();
    if (Files.isDirectory(disk().resolve("store"))) {
      assertThat(files("roots")).isEmpty();
      assertThat(files("store/tmp")).isEmpty();
      assertThat(succeeds("umount", disk().toString())).as("nothing holds it").isTrue();
    }
  }

  private static boolean succeeds(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).start().waitFor() == 0;
  }

  private List<Path> files(String below) throws IOException {
    try (Stream<Path> all = Files.walk(disk().resolve(below))) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static LayerSource withFile(byte[] content) {
    return sink -> {
      TierTest.busybox().writeTo(sink);
      sink.add(
          EntryMeta.file("large", 0644, 0, 0, 1, content.length),
          new ByteArrayInputStream(content));
    };
  }

  private BuildException failure(String dockerfile) {
    return Objects.requireNonNull(
        catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile)));
  }

  /** Fails for want of room and leaves nothing; then there is room. */
  private Built failsThenSucceeds(String dockerfile, String place) throws Exception {
    BuildException failure = failure(dockerfile);
    assertThat(failure.reason()).as(failure.getMessage()).isEqualTo(FailureReason.DiskFull);
    assertThat(failure).hasMessageContainingAll(place, "the workspace is full", "o space left");
    return succeedsWithMoreRoom(dockerfile);
  }

  private Built succeedsWithMoreRoom(String dockerfile) throws Exception {
    assertNothingHalf();
    assertThat(succeeds("mount", "-o", "remount,size=400m", disk().toString())).isTrue();
    Built built = bench.build(dockerfile);
    assertNothingHalf();
    return built;
  }

  private void assertNothingHalf() throws IOException {
    assertThat(files("roots")).isEmpty();
    assertThat(files("store/tmp"))
        .as("but locks")
        .allMatch(file -> file.toString().endsWith(".lock"));
    for (Path blob : files("store/blobs")) {
      assertThat(Digest.ofBytes(Files.readAllBytes(blob)).hex())
          .isEqualTo(String.valueOf(blob.getFileName()));
    }
    Path unpacked = disk().resolve("store/unpacked");
    if (Files.isDirectory(unpacked)) {
      try (Stream<Path> kept = Files.walk(unpacked, 2)) {
        assertThat(kept.filter(path -> path.getNameCount() == unpacked.getNameCount() + 2))
            .allMatch(entry -> Files.exists(entry.resolve("about")));
      }
    }
  }

  @Test
  void whileALayerIsCompressed() throws Exception {
    Files.write(bench.contextFolder().resolve("large"), random(40 * MIB));
    Built built = failsThenSucceeds("FROM scratch\nCOPY large /l\n", "2 | COPY large /l");
    assertThat(built.layers().getLast().descriptor().size()).isGreaterThan(40L * MIB);
  }

  @Test
  void whileABaseIsPulled() throws Exception {
    String base = bench.base("large:1", withFile(random(40 * MIB)), container());
    // It looks for the names in its base, so that nothing is unpacked meanwhile.
    failsThenSucceeds("FROM " + base + "\nCOPY a.txt /f\n", "to the local store");
  }

  @Test
  void whileABaseIsPulledAndUnpacked() throws Exception {
    String base = bench.base("large:1", withFile(random(40 * MIB)), container());
    failsThenSucceeds("FROM " + base + "\nRUN echo made > /f\n", "tried to ");
  }

  @Test
  void whileABaseIsUnpacked() throws Exception {
    byte[] text = "some text again and again\n".repeat(2 * MIB).getBytes(StandardCharsets.UTF_8);
    String base = bench.base("large:1", withFile(text), container());
    Built built = failsThenSucceeds("FROM " + base + "\nRUN echo made > /f\n", "2 | RUN echo");
    assertThat(built.text("f")).isEqualTo("made\n");
  }

  @Test
  void whileAStepsLayerIsWritten() throws Exception {
    // Files of a root take less room than layers of them only if they are the same one.
    String write = "RUN head -c 12000000 /dev/urandom > /f\n";
    Built built = failsThenSucceeds("FROM " + busybox + "\n" + write, "2 | RUN head");
    assertThat(built.layers().getLast().descriptor().size()).isGreaterThan(12_000_000);
  }

  @Test
  void byAStepItself() throws Exception {
    String dockerfile =
        "FROM " + busybox + "\nRUN for i in $(seq 40); do cat /bin/busybox || exit 1; done > /f\n";
    BuildException failure = failure(dockerfile);
    assertThat(failure.reason()).as(failure.getMessage()).isEqualTo(FailureReason.StepFailed);
    assertThat(Objects.requireNonNull(failure.step()).logTail()).contains("No space left");
    succeedsWithMoreRoom(dockerfile);
  }
}
