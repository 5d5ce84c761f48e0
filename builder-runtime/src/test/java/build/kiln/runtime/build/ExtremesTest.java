package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.RandomImages;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The most there may be of something: a result, or an error that says what there is too much of.
 */
@ParameterizedClass
@EnumSource(names = {"Namespaces", "Chroot"})
@Timeout(300)
class ExtremesTest extends TierTest {
  /** The kernel takes no more in an overlay. */
  private static final int LAYERS = 500;

  private static final int FILES = Boolean.getBoolean("kiln.heavy") ? 100_000 : 10_000;

  /** Linux's PATH_MAX counts the end. */
  private static final int LONGEST = 4095;

  ExtremesTest(Isolation tier) {
    super(tier);
  }

  /** JUnit gives up at paths that are too long for a call. */
  @AfterEach
  void removeDeepPaths() throws Exception {
    try (DirectoryHandle context = DirectoryHandle.open(bench.contextFolder());
        DirectoryHandle store = DirectoryHandle.open(bench.store().root())) {
      TreeRemover.removeContents(context);
      TreeRemover.remove(store, "unpacked");
    }
  }

  private String baseOfLayers() throws Exception {
    Reference name = bench.registry.reference("many:1");
    try (var other = LocalStore.open(folder.resolve("other"))) {
      var layers = new ArrayList<Layer>();
      layers.add(other.layers().write(busybox(), Compression.GZIP));
      for (int i = 1; i < LAYERS; i++) {
        String path = "many/f" + i;
        layers.add(
            other.layers().write(sink -> BuildBench.text(sink, path, path), Compression.NONE));
      }
      Descriptor image = new RandomImages(other, 1).image(Platform.host(), layers, List.of());
      RandomImages.push(other, image, bench.client, name);
    }
    return name.toString();
  }

  @Test
  void layersOfABase() throws Exception {
    String from = "FROM " + baseOfLayers() + "\n";
    String count = "RUN ls /many | /bin/busybox wc -l > /count && rm /many/f7\n";
    Built built = bench.build(from + count);
    assertThat(built.text("count")).isEqualTo(LAYERS - 1 + "\n");
    assertThat(built.text("many/f7")).isNull();
    assertThat(built.layers()).hasSize(LAYERS + 1);

    String more = from + count + "RUN echo more > /more\n";
    if (tier == Isolation.Chroot) {
      assertThat(bench.build(more).text("more")).isEqualTo("more\n");
      return;
    }
    BuildException failure =
        Objects.requireNonNull(catchThrowableOfType(BuildException.class, () -> bench.build(more)));
    assertThat(failure.reason()).as(failure.getMessage()).isEqualTo(FailureReason.StepFailed);
    assertThat(failure)
        .hasMessageStartingWith("Dockerfile:3:1: ")
        .hasMessageContainingAll("501 layers", "takes 500", "fewer instructions");
  }

  @Test
  void filesInADirectory() throws Exception {
    Path many = Files.createDirectory(bench.contextFolder().resolve("many"));
    for (int i = 0; i < FILES; i++) {
      Files.createFile(many.resolve("f" + i));
    }
    Built built =
        bench.build(
            "FROM "
                + busybox
                + "\nCOPY many /many/\nRUN cd /many && rm *[02468] && ls | /bin/busybox wc -l > /count\n");
    assertThat(built.text("count")).isEqualTo(FILES / 2 + "\n");
    assertThat(built.files().stream().filter(line -> line.contains(" many/f"))).hasSize(FILES / 2);
    assertThat(bench.store().layers().index(built.layers().getLast()).items())
        .hasSizeBetween(FILES / 2, FILES / 2 + 5);
  }

  /** A file whose path has so many bytes, the last of them its name. */
  private String deepFile(Path in, int length) throws Exception {
    var path = new StringBuilder();
    while (path.length() + 252 < length) {
      path.append("x".repeat(200)).append('/');
    }
    int rest = length - path.length() - 2;
    if (rest > 0) {
      path.append("y".repeat(rest)).append('/');
    }
    path.append('f');
    assertThat(path).hasSize(length);
    try (DirectoryHandle top = DirectoryHandle.open(in)) {
      DirectoryHandle at = top;
      for (String name : path.substring(0, path.length() - 2).split("/")) {
        at.makeDirectory(name, 0755);
        DirectoryHandle next = at.openDirectory(name);
        if (at != top) {
          at.close();
        }
        at = next;
      }
      byte[] text = "deep".getBytes(StandardCharsets.UTF_8);
      try (var file = at.createFile("f", 0644)) {
        file.write(text, 0, text.length);
      }
      at.close();
    }
    return path.toString();
  }

  @Test
  void bytesOfAPath() throws Exception {
    String path = deepFile(bench.contextFolder(), LONGEST - 1);
    Built built =
        bench.build(
            "FROM "
                + busybox
                + "\nCOPY . /\nRUN cd /; while [ -d [xy]* ]; do cd [xy]*; done; cat f > /got"
                + " && echo new > g && rm f\n");
    assertThat(built.text("got")).isEqualTo("deep");
    assertThat(built.text(path.substring(0, path.length() - 1) + "g")).isEqualTo("new\n");
    assertThat(built.text(path)).isNull();
  }

  @Test
  void morePathThanAnybodyUnpacks() throws Exception {
    deepFile(bench.contextFolder(), LONGEST - 1);
    assertThat(bench.build("FROM scratch\nCOPY . /d/\n").layers()).hasSize(1);

    BuildException failure =
        Objects.requireNonNull(
            catchThrowableOfType(
                BuildException.class, () -> bench.build("FROM scratch\nCOPY . /dir/\n")));

    assertThat(failure.reason()).as(failure.getMessage()).isEqualTo(FailureReason.StepFailed);
    assertThat(failure)
        .hasMessageStartingWith("Dockerfile:2:1: ")
        .hasMessageContainingAll("4098 characters", "more than 4096", "shorter names");
  }

  @Test
  void morePathThanAContextCanHave() throws Exception {
    deepFile(bench.contextFolder(), LONGEST + 10);
    BuildException failure =
        Objects.requireNonNull(
            catchThrowableOfType(
                BuildException.class, () -> bench.build("FROM scratch\nCOPY . /\n")));
    assertThat(failure).hasMessageContainingAll("name too long", bench.contextFolder().toString());
  }
}
