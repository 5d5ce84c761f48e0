package build.kiln.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.TarWriter;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.ImageValidator;
import build.kiln.runtime.testkit.RandomImages;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images from a place to another and back, here and by skopeo. */
class CopyCommandTest {
  @TempDir Path folder;
  private EmbeddedRegistry registry;
  private Descriptor image;
  private Descriptor index;

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    try (var store = LocalStore.open(folder.resolve("store"))) {
      var images = new RandomImages(store, 1);
      image = images.image(3);
      index = images.index(Platform.parse("linux/amd64"), Platform.parse("linux/arm64"));
      store.tag(Reference.parse("app:1"), image);
      store.tag(Reference.parse("multi:1"), index);
    }
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  private Captured kiln(String command, String... more) {
    var arguments =
        new ArrayList<>(List.of(command, "--store", folder.resolve("store").toString()));
    arguments.addAll(List.of(more));
    return Captured.run(arguments.toArray(String[]::new));
  }

  private String place(String text) {
    return text.replace("HOST", registry.host()).replace("DIR", folder.toString());
  }

  private String copy(String... arguments) {
    List<String> all = new ArrayList<>(List.of("-q"));
    for (String argument : arguments) {
      all.add(place(argument));
    }
    Captured copied = kiln("copy", all.toArray(String[]::new));
    assertThat(copied.exitCode()).as(copied.err()).isZero();
    return copied.out().strip();
  }

  private static void skopeo(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("skopeo"));
    command.addAll(List.of(arguments));
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, "skopeo is not installed");
      throw e;
    }
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
  }

  /** There and back by every place, and the digest is the same. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "docker://HOST/a/b:1",
        "oci:DIR/layout:1.0",
        "oci:DIR/layout",
        "oci-archive:DIR/app.tar:1.0",
        "oci-archive:DIR/app.tar",
        "docker-archive:DIR/app.tar:team/app:2",
        "docker-archive:DIR/app.tar",
        "kiln:other/name:2"
      })
  void anImageStaysByteForByte(String there) throws IOException {
    String digest = image.digest().toString();
    assertThat(copy("kiln:app:1", there)).isEqualTo(digest);
    assertThat(copy(there, "docker://HOST/end:1")).isEqualTo(digest);
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      assertThat(client.head(registry.reference("end:1")).orElseThrow().digest())
          .hasToString(digest);
      ImageValidator.assertValid(client, registry.reference("end:1"));
    }
    assertThat(copy(there, "kiln:back:1")).isEqualTo(digest);
    try (var store = LocalStore.open(folder.resolve("store"))) {
      ImageValidator.assertValid(store, store.resolve(Reference.parse("back:1")).orElseThrow());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"docker://HOST/a/b:1", "oci:DIR/layout:1", "oci-archive:DIR/x.tar"})
  void anIndexGoesWithAllItsPlatformsOrOneIsChosen(String there) throws IOException {
    assertThat(copy("kiln:multi:1", there)).isEqualTo(index.digest().toString());
    assertThat(copy(there, "docker://HOST/all:1")).isEqualTo(index.digest().toString());
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      ImageValidator.assertValid(client, registry.reference("all:1"));
    }

    String one = copy("--platform", "linux/arm64", there, "docker://HOST/one:1");
    assertThat(one).isNotEqualTo(index.digest().toString());
    assertThat(registry.contents().manifest("one", index.digest())).isEmpty();
    assertThat(registry.contents().manifest("one", Digest.parse(one))).isPresent();
    Captured none = kiln("copy", "--platform", "linux/s390x", place(there), "kiln:x");
    assertThat(none.exitCode()).isEqualTo(1);
    assertThat(none.err()).contains("no image for linux/s390x; it has linux/amd64, linux/arm64");
  }

  @Test
  void aDockerArchiveHoldsOnePlatform() {
    Captured refused = kiln("copy", "kiln:multi:1", place("docker-archive:DIR/x.tar:a:1"));
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("one platform");
    assertThat(folder.resolve("x.tar")).doesNotExist();
    copy("--platform", "linux/amd64", "kiln:multi:1", "docker-archive:DIR/x.tar:a:1");
    assertThat(folder.resolve("x.tar")).exists();
  }

  @Test
  void fromRegistryToRegistryBlobsAreMounted() {
    copy("kiln:app:1", "docker://HOST/a:1");
    registry.requests().clear();
    Captured copied = kiln("copy", place("docker://HOST/a:1"), place("docker://HOST/b:1"));
    assertThat(copied.err()).contains("0B moved", "4 mounted");
    assertThat(copied.out()).isEqualTo(place("docker://HOST/b:1 ") + image.digest() + "\n");
    assertThat(registry.requests().count("GET", "/blobs/")).isZero();
  }

  @Test
  void aLayoutGetsMoreImagesAndANameCanMove() throws IOException {
    copy("kiln:app:1", "oci:DIR/layout:1");
    copy("kiln:multi:1", "oci:DIR/layout:2");
    copy("kiln:app:1", "oci:DIR/layout:2");
    assertThat(
            Json.mapper()
                .readTree(Files.readAllBytes(folder.resolve("layout/index.json")))
                .path("manifests"))
        .hasSize(2);
    assertThat(copy("oci:DIR/layout:2", "kiln:x:1")).isEqualTo(image.digest().toString());
    Captured absent = kiln("copy", place("oci:DIR/layout:3"), "kiln:x");
    assertThat(absent.exitCode()).isEqualTo(1);
    assertThat(absent.err()).contains("has no image 3; it has 1, 2");
  }

  @ParameterizedTest
  @CsvSource({
    "app:1,                kiln:x,        'want docker://NAME, kiln:NAME'",
    "docker:app,           kiln:x,        want docker://NAME",
    "oci:,                 kiln:x,        a name is missing",
    "containers-storage:x, kiln:x,        want docker://NAME",
    "kiln:app:1,           docker://A/B,  'must be lower case'",
  })
  void placesThatAreNoneAreTold(String from, String to, String reason) {
    Captured failed = kiln("copy", from, to);
    assertThat(failed.exitCode()).isEqualTo(2);
    assertThat(failed.err()).contains(reason);
  }

  @ParameterizedTest
  @CsvSource({
    "kiln:nobody,                 no image docker.io/library/nobody:latest",
    "oci-archive:DIR/none.tar,    there is no file",
    "oci:DIR,                     is no OCI layout",
    "docker-archive:DIR/junk.tar, is no archive of an image",
    "docker://HOST/none:1,        it is not there",
  })
  void whatIsNotThereIsTold(String from, String reason) throws IOException {
    Files.writeString(folder.resolve("junk.tar"), "junk");
    Captured failed = kiln("copy", place(from), "kiln:x");
    assertThat(failed.err()).contains(reason);
    assertThat(failed.exitCode()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"oci:DIR/out:1", "oci-archive:DIR/out.tar:1"})
  void skopeoReadsWhatIsWritten(String there) throws Exception {
    copy("kiln:multi:1", there);
    skopeo("copy", "--all", place(there), "dir:" + folder.resolve("dir"));
    try (var store = LocalStore.open(folder.resolve("store"))) {
      assertThat(folder.resolve("dir/manifest.json")).hasBinaryContent(store.read(index));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"oci:DIR/out:1", "oci-archive:DIR/out.tar:1"})
  void whatSkopeoWritesIsRead(String there) throws Exception {
    copy("kiln:multi:1", "docker://HOST/multi:1");
    skopeo("copy", "--all", "--src-tls-verify=false", place("docker://HOST/multi:1"), place(there));
    assertThat(copy(there, "kiln:x:1")).isEqualTo(index.digest().toString());
  }

  /** Skopeo inflates the layers, as old docker did, and the manifest is made anew. */
  @Test
  void anOldDockerArchiveKeepsItsConfiguration() throws Exception {
    copy("kiln:app:1", "docker://HOST/app:1");
    skopeo(
        "copy",
        "--src-tls-verify=false",
        place("docker://HOST/app:1"),
        place("docker-archive:DIR/old.tar:shop/app:7"));

    copy("docker-archive:DIR/old.tar:shop/app:7", "kiln:again:1");

    try (var store = LocalStore.open(folder.resolve("store"))) {
      Descriptor again = store.resolve(Reference.parse("again:1")).orElseThrow();
      ImageValidator.assertValid(store, again);
      assertThat(Json.tree(store.read(again)).at("/config/digest"))
          .isEqualTo(Json.tree(store.read(image)).at("/config/digest"));
    }
    Captured other = kiln("copy", place("docker-archive:DIR/old.tar:shop/app:8"), "kiln:x");
    assertThat(other.exitCode()).isEqualTo(1);
    assertThat(other.err()).contains("it has docker.io/shop/app:7");

    Captured loaded = kiln("load", "-i", folder.resolve("old.tar").toString());
    assertThat(loaded.out()).isEqualTo("Loaded image: docker.io/shop/app:7\n");
  }

  @ParameterizedTest
  @CsvSource({"docker, app.tar", "oci, app.tar", "docker, app.tar.gz", "oci, app.tgz"})
  void whatIsSavedIsLoadedUnderItsNames(String format, String file) throws IOException {
    String path = folder.resolve(file).toString();
    Captured saved =
        format.equals("docker")
            ? kiln("save", "-o", path, "app:1")
            : kiln("save", "-o", path, "--format", "oci", "app:1", "multi:1");
    assertThat(saved.exitCode()).as(saved.err()).isZero();
    boolean zipped = Files.readAllBytes(folder.resolve(file))[0] == 0x1f;
    assertThat(zipped).isEqualTo(!file.endsWith(".tar"));

    Captured loaded =
        Captured.run("load", "--store", folder.resolve("other").toString(), "-i", path);
    assertThat(loaded.exitCode()).as(loaded.err()).isZero();
    assertThat(loaded.out()).contains("Loaded image: docker.io/library/app:1\n");
    try (var store = LocalStore.open(folder.resolve("other"))) {
      assertThat(store.resolve(Reference.parse("app:1")).orElseThrow().digest())
          .isEqualTo(image.digest());
      ImageValidator.assertValid(store, image);
    }
  }

  @Test
  void anArchiveOfStandardInputIsLoaded() throws IOException {
    kiln("save", "-o", folder.resolve("a.tar").toString(), "app:1");
    Captured loaded =
        Captured.reading(
            Files.readAllBytes(folder.resolve("a.tar")),
            "load",
            "-q",
            "--store",
            folder.resolve("other").toString());
    assertThat(loaded.out()).isEqualTo(image.digest() + "\n");
  }

  @Test
  void aLayerThatIsNotItsDiffIdIsRefused() throws Exception {
    try (var store = LocalStore.open(folder.resolve("made"))) {
      var layers = new RandomImages(store, 7).image(Platform.host(), 1, Compression.NONE);
      var manifest = Json.tree(store.read(layers));
      byte[] config =
          Files.readAllBytes(store.blobPath(Digest.parse(manifest.at("/config/digest").asText())));
      try (var out = Files.newOutputStream(folder.resolve("bad.tar"))) {
        var tar = new TarWriter(out);
        add(tar, "c.json", config);
        add(tar, "l/layer.tar", new byte[1024]);
        add(
            tar,
            "manifest.json",
            "[{\"Config\":\"c.json\",\"RepoTags\":[\"bad:1\"],\"Layers\":[\"l/layer.tar\"]}]"
                .getBytes(UTF_8));
        tar.finish();
      }
    }
    Captured refused = kiln("load", "-i", folder.resolve("bad.tar").toString());
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("a layer is sha256:");
    assertThat(kiln("images", "-q", "bad:1").out()).isEmpty();
  }

  private static void add(TarWriter tar, String name, byte[] bytes) throws IOException {
    tar.add(EntryMeta.file(name, 0644, 0, 0, 0, bytes.length), new ByteArrayInputStream(bytes));
  }
}
