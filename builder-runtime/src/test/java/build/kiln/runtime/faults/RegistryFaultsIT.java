package build.kiln.runtime.faults;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.registry.RealRegistry;
import build.kiln.runtime.registry.RealRegistry.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A registry of others that is cut off, or dies, while layers are sent to it. */
@Timeout(300)
class RegistryFaultsIT {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;
  private RealRegistry registry;
  private InstalledKiln kiln;
  private Path context;

  @BeforeEach
  void start() throws IOException {
    kiln = new InstalledKiln(Files.createDirectory(folder.resolve("kiln")));
    registry = RealRegistry.start(Program.DISTRIBUTION_2, data(), "", "");
    context = Files.createDirectory(folder.resolve("context"));
    byte[] large = new byte[60 * MIB];
    new Random(1).nextBytes(large);
    Files.write(context.resolve("large"), large);
    Files.writeString(context.resolve("small"), "small");
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY small /\nCOPY large /\n");
  }

  @AfterEach
  void stop() {
    if (registry != null) {
      registry.close();
    }
  }

  private Path data() {
    return folder.resolve("registry");
  }

  private Path repository() {
    return data().resolve("data/docker/registry/v2/repositories/shop/api");
  }

  private List<String> push(String host) {
    return List.of("build", "--push", "-t", host + "/shop/api:1", context.toString());
  }

  private InstalledKiln.Result pushed(String host) throws Exception {
    return kiln.run(List.of(), push(host).toArray(String[]::new));
  }

  private void assertPushed() throws Exception {
    var other = new InstalledKiln(Files.createDirectory(folder.resolve("other")));
    var pulled = other.run(List.of(), "pull", registry.ref("shop/api:1").toString());
    assertThat(pulled.code()).as(pulled.err()).isZero();
  }

  /** No manifest, hence no tag: nobody can pull what is not whole. */
  private void assertNothingIsPushed() {
    assertThat(repository().resolve("_manifests")).doesNotExist();
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(kiln.unfinished()).isEmpty();
    kiln.assertNothingRuns();
  }

  @Test
  void aConnectionThatIsCutTwiceCostsOnlyTime() throws Exception {
    try (var proxy = new CuttingProxy(registry.host(), 20L * MIB, 2)) {
      var result = pushed(proxy.host());
      assertThat(result.code()).as(result.err()).isZero();
      assertThat(proxy.cuts()).isEqualTo(2);
    }
    assertNothingIsLeft();
    assertPushed();
  }

  @Test
  void aConnectionThatIsAlwaysCutIsAnErrorThatNamesTheRegistry() throws Exception {
    try (var proxy = new CuttingProxy(registry.host(), 20L * MIB, Integer.MAX_VALUE)) {
      var result = pushed(proxy.host());
      assertThat(result.code()).as(result.err()).isEqualTo(5);
      assertThat(result.err()).contains("RegistryUnavailable", proxy.host());
      assertThat(proxy.cuts()).isGreaterThan(1);
    }
    assertNothingIsPushed();
    assertNothingIsLeft();

    var again = pushed(registry.host());
    assertThat(again.code()).as(again.err()).isZero();
    assertPushed();
  }

  private boolean isUploading() throws IOException {
    Path uploads = repository().resolve("_uploads");
    if (!Files.isDirectory(uploads)) {
      return false;
    }
    try (Stream<Path> files = Files.walk(uploads)) {
      return files.anyMatch(file -> file.endsWith("data") && file.toFile().length() > 4L * MIB);
    } catch (java.io.UncheckedIOException goneMeanwhile) {
      return false;
    }
  }

  @Test
  void aRegistryThatDiesHasNoHalfAnImage() throws Exception {
    // Slow enough to be met in the middle.
    try (var proxy = new CuttingProxy(registry.host(), Long.MAX_VALUE, 0)) {
      Process building = kiln.start(List.of(), push(proxy.host()));
      Awaitility.await()
          .pollInterval(Duration.ofMillis(2))
          .until(() -> isUploading() || !building.isAlive());
      registry.kill();
      proxy.close();
      var result = kiln.ended(building);
      assertThat(result.code()).as(result.err()).isEqualTo(5);
      assertThat(result.err()).contains("RegistryUnavailable", proxy.host());
    }
    assertNothingIsPushed();
    assertNothingIsLeft();

    registry = RealRegistry.start(Program.DISTRIBUTION_2, data(), "", "");
    var again = pushed(registry.host());
    assertThat(again.code()).as(again.err()).isZero();
    assertThat(again.err()).contains("CACHED");
    assertPushed();
  }

  @Test
  void aKilledBuilderHasPushedNothing() throws Exception {
    Process building = kiln.start(List.of(), push(registry.host()));
    Awaitility.await()
        .pollInterval(Duration.ofMillis(2))
        .until(() -> isUploading() || !building.isAlive());
    building.destroyForcibly().waitFor();
    assertNothingIsPushed();
    kiln.assertNothingRuns();

    var again = pushed(registry.host());
    assertThat(again.code()).as(again.err()).isZero();
    assertNothingIsLeft();
    assertPushed();
  }
}
