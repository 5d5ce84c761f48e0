package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.StoreException.Code;
import build.kiln.runtime.testkit.RandomImages;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Images as archives, read by the tools that people read them with. */
class ArchivesTest {
  private static final Platform AMD64 = Platform.parse("linux/amd64");
  private static final List<Reference> NAMES =
      List.of(Reference.parse("app:1.4"), Reference.parse("registry.example.com/shop/app"));

  @TempDir Path folder;
  private LocalStore store;
  private RandomImages images;

  @BeforeEach
  void open() throws IOException {
    store = LocalStore.open(folder.resolve("store"));
    images = new RandomImages(store, 1);
  }

  @AfterEach
  void close() throws IOException {
    store.close();
  }

  private record Outcome(int code, String text) {}

  private Outcome run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), text);
  }

  private String succeed(String... command) throws IOException, InterruptedException {
    Outcome outcome = run(command);
    assertThat(outcome.code).as("%s: %s", String.join(" ", command), outcome.text).isZero();
    return outcome.text;
  }

  private void assumeHere(String... command) {
    boolean here;
    try {
      here = run(command).code == 0;
    } catch (IOException | InterruptedException e) {
      here = false;
    }
    assumeTrue(here, command[0] + " is not installed, or has no daemon");
  }

  @Test
  void anOciArchiveIsReadBySkopeo() throws Exception {
    assumeHere("skopeo", "--version");
    Descriptor image = images.image(AMD64, 3, Compression.GZIP);
    Path file = folder.resolve("app.tar");
    OciArchive.write(store, NAMES, image, file);
    assertThat(succeed("skopeo", "inspect", "--raw", "oci-archive:" + file + ":1.4"))
        .isEqualTo(new String(store.read(image), StandardCharsets.UTF_8));
    // Copying checks every digest.
    succeed("skopeo", "copy", "oci-archive:" + file + ":latest", "dir:" + folder.resolve("copy"));
    assertThat(folder.resolve("copy/manifest.json")).hasBinaryContent(store.read(image));
  }

  @Test
  void anIndexIsWrittenWithAllItsPlatforms() throws Exception {
    assumeHere("skopeo", "--version");
    Descriptor index = images.index(AMD64, Platform.parse("linux/arm64/v8"));
    Path file = folder.resolve("app.tar");
    OciArchive.write(store, NAMES.subList(0, 1), index, file);
    succeed("skopeo", "copy", "--all", "oci-archive:" + file, "dir:" + folder.resolve("copy"));
    assertThat(folder.resolve("copy/manifest.json")).hasBinaryContent(store.read(index));
  }

  @Test
  void aFolderIsReadByUmoci() throws Exception {
    assumeHere("umoci", "--version");
    Descriptor image = images.image(AMD64, 3, Compression.GZIP);
    Path layout = folder.resolve("layout");
    OciArchive.writeFolder(store, NAMES, image, layout);
    assertThat(succeed("umoci", "list", "--layout", layout.toString()).lines())
        .containsExactlyInAnyOrder("1.4", "latest");
    succeed(
        "umoci",
        "unpack",
        "--rootless",
        "--image",
        layout + ":1.4",
        folder.resolve("bundle").toString());
    assertThat(folder.resolve("bundle/rootfs/layer2/hard link")).exists();
    assertThat(folder.resolve("bundle/rootfs/layer1/link")).doesNotExist();
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void aDockerArchiveIsReadBySkopeo(Compression.Type type) throws Exception {
    assumeHere("skopeo", "--version");
    Descriptor image = images.image(AMD64, 2, new Compression(type, 0));
    Path file = folder.resolve("app.tar");
    DockerArchive.write(store, NAMES, image, file);
    assertThat(succeed("skopeo", "list-tags", "docker-archive:" + file))
        .contains("app:1.4", "registry.example.com/shop/app:latest");
    succeed(
        "skopeo",
        "copy",
        "docker-archive:" + file + ":docker.io/library/app:1.4",
        "oci:" + folder.resolve("copy") + ":x");
  }

  /** A layer with a program that runs anywhere. */
  private Layer busybox(Path program, Compression compression) throws IOException {
    return store
        .layers()
        .write(
            sink -> {
              sink.add(EntryMeta.directory("bin", 0755, 0, 0, 0));
              sink.add(
                  EntryMeta.file("bin/busybox", 0755, 0, 0, 0, Files.size(program)),
                  Files.newInputStream(program));
            },
            compression);
  }

  private Descriptor runnable(Path program, Compression compression) throws IOException {
    Layer layer = busybox(program, compression);
    var command = List.of("/bin/busybox", "echo", "it runs");
    var config =
        new ImageConfig(
            "2026-01-01T00:00:00Z",
            null,
            Platform.host().architecture(),
            null,
            "linux",
            null,
            null,
            new ImageConfig.ContainerConfig(
                null, null, null, null, command, null, null, null, null, null, null, null, null),
            new ImageConfig.RootFs(List.of(layer.diffId())),
            List.of(new ImageConfig.History(null, "COPY busybox", null, null, null)));
    Descriptor stored = store.put(MediaTypes.OCI_CONFIG, Json.write(config));
    var manifest = Manifest.oci(stored, List.of(layer.descriptor()), null);
    return store.put(MediaTypes.OCI_MANIFEST, Json.write(manifest));
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void aDockerArchiveIsLoadedAndRunByDocker(Compression.Type type) throws Exception {
    assumeHere("docker", "version");
    Path program = Path.of("/bin/busybox");
    assumeTrue(Files.isExecutable(program), "there is no /bin/busybox");
    assumeTrue(run("ldd", program.toString()).code != 0, "/bin/busybox is not static");
    Descriptor image = runnable(program, new Compression(type, 0));
    String name = "kiln-archives-test-" + ProcessHandle.current().pid() + ":" + type;
    Path file = folder.resolve("app.tar");
    DockerArchive.write(store, List.of(Reference.parse(name)), image, file);
    try {
      assertThat(succeed("docker", "load", "-i", file.toString()))
          .contains("Loaded image: " + name);
      assertThat(succeed("docker", "run", "--rm", "--network=none", name)).isEqualTo("it runs\n");
    } finally {
      run("docker", "rmi", "-f", name);
    }
  }

  @Test
  void theSameImageIsTheSameBytes() throws Exception {
    Descriptor image = images.image(AMD64, 2, Compression.GZIP);
    var first = new ByteArrayOutputStream();
    OciArchive.write(store, NAMES, image, first);
    Path file = folder.resolve("again.tar");
    OciArchive.write(store, NAMES, image, file);
    assertThat(file).hasBinaryContent(first.toByteArray());
    var docker = new ByteArrayOutputStream();
    DockerArchive.write(store, NAMES, image, docker);
    var dockerAgain = new ByteArrayOutputStream();
    DockerArchive.write(store, NAMES, image, dockerAgain);
    assertThat(docker.toByteArray()).isEqualTo(dockerAgain.toByteArray());
  }

  @Test
  void namesAreWrittenAsBuildKitWritesThem() throws Exception {
    Descriptor image = images.image(AMD64, 1, Compression.GZIP);
    Path layout = folder.resolve("layout");
    OciArchive.writeFolder(store, NAMES, image, layout);
    assertThat(Files.readString(layout.resolve("oci-layout")))
        .isEqualTo("{\"imageLayoutVersion\":\"1.0.0\"}");
    assertThat(Files.readString(layout.resolve("index.json")))
        .contains(
            "\"io.containerd.image.name\":\"docker.io/library/app:1.4\",\"org.opencontainers.image.ref.name\":\"1.4\"",
            "\"io.containerd.image.name\":\"registry.example.com/shop/app:latest\"");
  }

  @Test
  void nothingIsLeftHalfWritten() throws Exception {
    Descriptor image = images.image(AMD64, 2, Compression.GZIP);
    Manifest manifest = Json.read(store.read(image), Manifest.JSON, "manifest");
    Path blob = store.blobPath(manifest.layers().getLast().digest());
    Path out = Files.createDirectory(folder.resolve("out"));
    Path file = Files.writeString(out.resolve("app.tar"), "the old one");
    byte[] damaged = Files.readAllBytes(blob);
    damaged[10] ^= 1;
    Files.write(blob, damaged);
    assertFails(Code.CONTENT_MISMATCH, () -> OciArchive.write(store, NAMES, image, file));
    assertFails(Code.CONTENT_MISMATCH, () -> DockerArchive.write(store, NAMES, image, file));
    assertFails(
        Code.CONTENT_MISMATCH,
        () -> OciArchive.writeFolder(store, NAMES, image, out.resolve("layout")));
    Files.delete(blob);
    var stream = new ByteArrayOutputStream();
    assertFails(Code.NOT_FOUND, () -> OciArchive.write(store, NAMES, image, stream));
    assertThat(stream.size()).isZero();
    try (var left = Files.list(out)) {
      assertThat(left).containsExactly(file);
    }
    assertThat(file).hasContent("the old one");
  }

  private static void assertFails(
      Code code, org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(StoreException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  @Test
  void whatCannotBeWrittenIsSaid() throws Exception {
    Descriptor image = images.image(AMD64, 1, Compression.GZIP);
    Descriptor index = images.index(AMD64);
    Path file = folder.resolve("x.tar");
    assertThatThrownBy(() -> DockerArchive.write(store, NAMES, index, file))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("type=oci");
    assertThat(file).doesNotExist();
    assertFails(Code.EXISTS, () -> OciArchive.write(store, NAMES, image, folder));
    assertFails(Code.EXISTS, () -> OciArchive.writeFolder(store, NAMES, image, folder));
    assertFails(
        Code.NOT_FOUND, () -> OciArchive.write(store, NAMES, image, folder.resolve("none/x.tar")));
    assertFails(
        Code.NOT_FOUND,
        () -> OciArchive.writeFolder(store, NAMES, image, folder.resolve("none/x")));
  }

  @Test
  void aLinkLeadsToWhatIsReplacedAndAFifoIsWrittenTo() throws Exception {
    Descriptor image = images.image(AMD64, 1, Compression.GZIP);
    Path real = Files.writeString(folder.resolve("real.tar"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link.tar"), Path.of("real.tar"));
    OciArchive.write(store, NAMES, image, link);
    assertThat(Files.isSymbolicLink(link)).isTrue();
    assertThat(Files.size(real)).isGreaterThan(1000);
    Path fifo = folder.resolve("fifo");
    succeed("mkfifo", fifo.toString());
    Process reader = new ProcessBuilder("sha256sum", fifo.toString()).start();
    OciArchive.write(store, NAMES, image, fifo);
    String sum = new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(sum)
        .startsWith(build.kiln.runtime.oci.Digest.ofBytes(Files.readAllBytes(real)).hex());
  }
}
