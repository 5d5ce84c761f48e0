package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.testkit.ImageValidator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code kiln build} from its command line to its result. */
class BuildCommandTest {
  @TempDir Path folder;
  private Path context;

  @BeforeEach
  void writeContext() throws IOException {
    context = Files.createDirectory(folder.resolve("context"));
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM scratch AS one\nARG V=d\nCOPY a /\nLABEL v=$V\nFROM one\nENV B=c\n");
    Files.writeString(context.resolve("a"), "a");
  }

  private Captured build(String... options) {
    var arguments = new ArrayList<>(List.of("build", "--store", store().toString()));
    arguments.addAll(List.of(options));
    arguments.add(context.toString());
    return Captured.run(arguments.toArray(String[]::new));
  }

  private Path store() {
    return folder.resolve("store");
  }

  @Test
  void anImageStaysInTheStoreUnderItsNames() throws IOException {
    Captured built = build("-t", "app", "-t", "example.com/other:2");

    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(built.out()).isEmpty();
    assertThat(built.err()).contains("docker.io/library/app:latest@sha256:", "[one 2/2] COPY a /");
    try (var opened = LocalStore.open(store())) {
      var image = opened.resolve(Reference.parse("app")).orElseThrow();
      assertThat(opened.resolve(Reference.parse("example.com/other:2"))).contains(image);
      ImageValidator.assertValid(opened, image);
    }
  }

  @Test
  void aDockerfileElsewhereBringsItsIgnoreFile() throws IOException {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Path dockerfile = elsewhere.resolve("Dockerfile");
    Files.writeString(dockerfile, "FROM scratch\nCOPY secret /\n");
    Files.writeString(elsewhere.resolve("Dockerfile.dockerignore"), "secret\n");
    Files.writeString(context.resolve("secret"), "s");

    Captured built = build("-f", dockerfile.toString());

    assertThat(built.exitCode()).isEqualTo(1);
    assertThat(built.err()).contains("Dockerfile.dockerignore:1");
  }

  @ParameterizedTest
  @CsvSource({
    "--iidfile, /nonexistent/x, 5, /nonexistent/x",
    "--output, 'type=oci,dest=/nonexistent/x.tar', 5, /nonexistent",
    "--store, /dev/null/x, 5, /dev/null",
  })
  void whatCannotBeWrittenIsSaidInOneLine(String option, String value, int code, String words) {
    Captured built = build(option, value);
    assertThat(built.err().lines().filter(line -> line.startsWith("kiln: ")))
        .singleElement()
        .asString()
        .contains(words)
        .doesNotContain("this is a bug");
    assertThat(built.err()).doesNotContain("\tat build.kiln");
    assertThat(built.exitCode()).isEqualTo(code);
  }

  /** The store remembers what large contexts hash to; that it does is told by nothing but time. */
  @Test
  void aContextThatIsRememberedIsBuiltAsOneThatIsNot() throws IOException {
    Path data = context.resolve("a");
    byte[] bytes = new byte[3 << 20];
    Files.write(data, bytes);
    FileTime time = Files.getLastModifiedTime(data);
    Instant written = Instant.now();
    Awaitility.await().until(() -> Instant.now().isAfter(written.plusMillis(200)));
    String first = build("-q").out();
    assertThat(build("-q").out()).isEqualTo(first);
    if (Set.of("ext4", "xfs", "btrfs").contains(Files.getFileStore(data).type())) {
      assertThat(remembered()).hasSize(1);
    }

    bytes[1_000_000]++;
    Files.write(data, bytes);
    Files.setLastModifiedTime(data, time);

    String changed = build("-q").out();
    assertThat(changed).isNotEqualTo(first);
    assertThat(Captured.run("builder", "prune", "-a", "-f", "--store", store().toString()))
        .extracting(Captured::exitCode)
        .isEqualTo(0);
    assertThat(remembered()).isEmpty();
  }

  private List<Path> remembered() throws IOException {
    Path folder = store().resolve("contexts");
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void quietPrintsTheDigestOnly() throws IOException {
    Path id = folder.resolve("id");
    Path metadata = folder.resolve("metadata");

    Captured built =
        build("-q", "--iidfile", id.toString(), "--metadata-file", metadata.toString());

    assertThat(built.out()).matches("sha256:[0-9a-f]{64}\n");
    assertThat(built.err()).isEmpty();
    assertThat(id).hasContent(built.out().strip());
    assertThat(metadata).content().contains("\"containerimage.digest\":\"" + built.out().strip());
  }

  @Test
  void aPushIsWhatTheRegistryServes() throws IOException {
    try (var registry = EmbeddedRegistry.start();
        var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      Reference name = registry.reference("shop/api:1");

      Captured built = build("-q", "--push", "-t", name.toString(), "-t", registry.host() + "/b:2");

      assertThat(built.exitCode()).as(built.err()).isZero();
      assertThat(client.head(name).orElseThrow().digest()).hasToString(built.out().strip());
      assertThat(client.head(registry.reference("b:2"))).isPresent();
      ImageValidator.assertValid(client, name);
    }
  }

  private Captured kiln(String command, String store, String... options) {
    var arguments = new ArrayList<>(List.of(command, "--store", folder.resolve(store).toString()));
    arguments.addAll(List.of(options));
    arguments.add(context.toString());
    return Captured.run(arguments.toArray(String[]::new));
  }

  @Test
  void aCacheInARegistryServesAnotherStore() throws IOException {
    try (var registry = EmbeddedRegistry.start()) {
      String cache = registry.host() + "/shop/cache";
      String[] both = {
        "--cache-to", "type=registry,ref=" + cache + ":main,mode=max,image-manifest=true",
        "--cache-from", "type=registry,ref=" + cache + ":main"
      };
      Captured first = kiln("build", "one", both);
      assertThat(first.exitCode()).as(first.err()).isZero();
      assertThat(first.err()).contains("exporting cache to " + cache).doesNotContain("WARN");

      assertThat(kiln("build", "two", both).err()).contains("CACHED");
      // A name that was given is what the list is found by, whatever the image is called.
      registry.requests().clear();
      assertThat(kiln("build", "three", "--cache-from", cache + ":main", "-t", "x").err())
          .contains("CACHED");
      assertThat(registry.requests().count("GET", "/manifests/")).isEqualTo(1);
      assertThat(kiln("build", "four", "--cache-repo", cache, "-t", "x").err()).contains("CACHED");
      assertThat(kiln("build", "five", "-t", "x").err()).doesNotContain("CACHED");
    }
  }

  @Test
  void explainTellsHitsAndMisses() throws IOException {
    build("-t", "app");
    Captured hit = kiln("explain", "store");
    assertThat(hit.exitCode()).as(hit.err()).isZero();
    assertThat(hit.out()).contains("HIT     [one 2/2] COPY a /");

    Files.writeString(context.resolve("a"), "b");
    assertThat(kiln("explain", "store").out())
        .contains("MISS    [one 2/2] COPY a /", "content of a");
    assertThat(kiln("explain", "store", "--format", "json").out())
        .isEqualTo(
            "[{\"step\":\"[one 2/2] COPY a /\",\"instruction\":\"COPY a /\",\"cache\":\"miss\",\"reason\":\"content of a\"}]\n");
    assertThat(kiln("explain", "store", "--no-cache").out()).contains("the cache is off");
    assertThat(build("--progress", "plain").err()).contains("not cached: content of a");
  }

  @Test
  void nothingLeavesBeforeItIsVerified() throws IOException {
    try (var registry = EmbeddedRegistry.start();
        var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      Reference name = registry.reference("shop/api:1");
      Path id = folder.resolve("id");
      String[] options = {
        "--verify-reproducible",
        "--push",
        "-o",
        "type=image",
        "-t",
        name.toString(),
        "--iidfile",
        id.toString(),
        "--cache-repo",
        registry.host() + "/cache",
        "--progress",
        "plain"
      };

      Captured refused = build(options);
      assertThat(refused.exitCode()).isEqualTo(1);
      assertThat(refused.err())
          .contains(
              "kiln: StepFailed: the image is not reproducible: two builds differ in the configuration: /created",
              "only times differ: give the build one, --build-arg SOURCE_DATE_EPOCH=",
              "nothing was tagged, written or pushed");
      assertThat(client.head(name)).isEmpty();
      assertThat(registry.requests().count("POST", "")).isZero();
      assertThat(id).doesNotExist();
      try (var opened = LocalStore.open(store())) {
        assertThat(opened.resolve(name)).isEmpty();
      }

      var again = new ArrayList<>(List.of(options));
      again.addAll(List.of("--build-arg", "SOURCE_DATE_EPOCH=1700000000"));
      Captured verified = build(again.toArray(String[]::new));
      assertThat(verified.exitCode()).as(verified.err()).isZero();
      String digest = client.head(name).orElseThrow().digest().toString();
      assertThat(verified.err()).contains("reproducible: two builds gave " + digest);
      assertThat(id).hasContent(digest);
    }
  }

  @Test
  void archivesOfBothKinds() {
    Path oci = folder.resolve("oci.tar");
    Path docker = folder.resolve("docker.tar");

    Captured built =
        build("-t", "app", "-o", "type=oci,dest=" + oci, "-o", "type=docker,dest=" + docker);

    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(oci).isNotEmptyFile();
    assertThat(docker).isNotEmptyFile();
  }

  @Test
  void argumentsTargetAndFile() throws IOException {
    Path file = Files.writeString(folder.resolve("other"), "FROM scratch\nCOPY a /b\n");

    assertThat(build("-q", "--target", "one", "--build-arg", "V=x").exitCode()).isZero();
    assertThat(build("-q", "-f", file.toString()).exitCode()).isZero();
    assertThat(build("-q", "--build-arg", "V=x").out())
        .isNotEqualTo(build("-q", "--build-arg", "V=y").out());
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        Arguments.of(2, "Possible solutions: --tag", List.of("--tagg", "x")),
        Arguments.of(2, "must be lower case", List.of("-t", "UPPER/Case")),
        Arguments.of(2, "has no digest", List.of("-t", "a@sha256:" + "0".repeat(64))),
        Arguments.of(2, "it needs a name", List.of("--push")),
        Arguments.of(2, "unknown type \"ocy\"", List.of("-o", "type=ocy,dest=x")),
        Arguments.of(2, "dest is missing", List.of("-o", "type=oci")),
        Arguments.of(2, "not supported yet", List.of("-o", "type=local,dest=x")),
        Arguments.of(2, "want gzip or zstd", List.of("--compression", "lzma")),
        Arguments.of(2, "has no level 77", List.of("--compression", "zstd:77")),
        Arguments.of(2, "want NAME=VALUE", List.of("--label", "x")),
        Arguments.of(2, "id=ID,src=FILE", List.of("--secret", "x")),
        Arguments.of(
            2, "/no/such/secret is not there", List.of("--secret", "id=x,src=/no/such/secret")),
        Arguments.of(2, "/no/such/key is not there", List.of("--ssh", "default=/no/such/key")),
        Arguments.of(2, "type=gha is not supported", List.of("--cache-from", "type=gha")),
        Arguments.of(2, "want NAME=VALUE", List.of("--build-context", "x")),
        Arguments.of(2, "y is no OCI layout", List.of("--build-context", "x=oci-layout://y")),
        Arguments.of(2, "not a digest", List.of("--build-context", "x=oci-layout://y:1@sha256:zz")),
        Arguments.of(2, "/no/such/folder", List.of("--build-context", "x=/no/such/folder")),
        Arguments.of(2, "docker-image", List.of("--build-context", "x=target:y")),
        Arguments.of(
            2, "two of this name", List.of("--build-context", "x=/", "--build-context", "X=/")),
        Arguments.of(2, "type is missing", List.of("--cache-from", "ref=h.example/x")),
        Arguments.of(2, "ref is missing", List.of("--cache-to", "type=registry,mode=max")),
        Arguments.of(
            2, "want min or max", List.of("--cache-to", "type=registry,ref=h.example/x,mode=mid")),
        Arguments.of(
            2, "unknown key modus", List.of("--cache-to", "type=registry,ref=h.example/x,modus=1")),
        Arguments.of(2, "must be lower case", List.of("--cache-repo", "h.example/UPPER")),
        Arguments.of(2, "not a platform", List.of("--platform", "linus")),
        Arguments.of(1, "did you mean one?", List.of("--target", "oen")),
        Arguments.of(1, "there is no such file", List.of("-f", "/no/such/Dockerfile")));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void mistakesHaveTheirExitCode(int code, String message, List<String> options) {
    Captured built = build(options.toArray(String[]::new));

    assertThat(built.err()).contains(message);
    assertThat(built.exitCode()).isEqualTo(code);
    assertThat(built.out()).isEmpty();
  }

  @Test
  void namedContexts() throws IOException {
    Path assets = Files.createDirectories(folder.resolve("assets/d"));
    Files.writeString(assets.resolve("f"), "f");
    Files.writeString(assets.resolve("hidden"), "h");
    Files.writeString(folder.resolve("assets/.dockerignore"), "**/hidden\n");
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY --from=Assets /d/ /d/\n");
    String named = "assets=" + folder.resolve("assets");
    Path out = folder.resolve("out.tar");

    Captured built = build("--build-context", named, "-o", "type=oci,dest=" + out);
    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(built.err()).contains("COPY --from=Assets /d/ /d/");

    Files.writeString(
        context.resolve("Dockerfile"), "FROM scratch\nCOPY --from=assets /d/hidden /\n");
    Captured hidden = build("--build-context", named);
    assertThat(hidden.exitCode()).isEqualTo(1);
    assertThat(hidden.err()).contains("is not in the context assets");

    Files.writeString(context.resolve("Dockerfile"), "FROM assets\nENV A=b\n");
    Captured based = build("--build-context", named);
    assertThat(based.exitCode()).as(based.err()).isZero();
    assertThat(based.err()).contains("[2/2] COPY --from=assets . /");
  }

  @Test
  void imagesOfAnOciLayoutAreContexts() throws Exception {
    Path layout = layout("h.example/made:v1", "made", "h.example/made:v2");
    String digest = Files.readString(folder.resolve("id"));
    Path out = folder.resolve("out.tar");
    Files.writeString(
        context.resolve("Dockerfile"),
        "FROM made:latest\nCOPY --from=one made /one\nCOPY --from=two made /two\n");

    Captured built =
        build(
            "--build-context",
            "made=oci-layout://" + layout,
            "--build-context",
            "one=oci-layout://" + layout + ":v1",
            "--build-context",
            "two=oci-layout://" + layout + ":none@" + digest,
            "-o",
            "type=oci,dest=" + out);

    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(built.err())
        .contains(
            "load metadata for oci-layout.invalid/made@" + digest, "COPY --from=two made /two");
    assertThat(out).isNotEmptyFile();

    Captured unknown = build("--build-context", "made=oci-layout://" + layout + ":v3");
    assertThat(unknown.exitCode()).isEqualTo(2);
    assertThat(unknown.err()).contains("has no image v3; it has v1, latest, v2");
    assertThat(
            build("--build-context", "made=oci-layout://" + layout + "@sha256:" + "0".repeat(64))
                .err())
        .contains("has no image sha256:000");
  }

  @Test
  void theOnlyImageOfALayoutNeedsNoTag() throws Exception {
    Path layout = layout("h.example/made:v1");
    Files.writeString(context.resolve("Dockerfile"), "FROM made\nLABEL a=b\n");

    Captured built = build("--build-context", "made=oci-layout://" + layout);

    assertThat(built.exitCode()).as(built.err()).isZero();
  }

  /** Whoever wrote the folder, what is in it must be what its digests say. */
  @Test
  void aLayoutWithADamagedLayerIsRefused() throws Exception {
    Path layout = layout("h.example/made:v1");
    try (Stream<Path> blobs = Files.list(layout.resolve("blobs/sha256"))) {
      for (Path blob : blobs.filter(BuildCommandTest::isGzip).toList()) {
        byte[] bytes = Files.readAllBytes(blob);
        bytes[bytes.length - 1] ^= 1;
        Files.write(blob, bytes);
      }
    }
    Files.writeString(context.resolve("Dockerfile"), "FROM made\nCOPY a /x\n");

    Captured built =
        Captured.run(
            "build",
            "--store",
            folder.resolve("other").toString(),
            "--build-context",
            "made=oci-layout://" + layout,
            context.toString());

    assertThat(built.exitCode()).isNotZero();
    assertThat(built.err()).contains("sha256:");
  }

  private static boolean isGzip(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      return bytes[0] == 0x1f && (bytes[1] & 0xff) == 0x8b;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** An image with the file made, as an OCI layout. */
  private Path layout(String... names) throws Exception {
    Path tar = folder.resolve("layout.tar");
    Path layout = Files.createDirectory(folder.resolve("layout"));
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY a /made\n");
    List<String> options = new ArrayList<>(List.of("-o", "type=oci,dest=" + tar));
    options.addAll(List.of("--iidfile", folder.resolve("id").toString()));
    for (String name : names) {
      options.addAll(List.of("-t", name));
    }
    Captured built = build(options.toArray(String[]::new));
    assertThat(built.exitCode()).as(built.err()).isZero();
    Process unpack =
        new ProcessBuilder("tar", "xf", tar.toString(), "-C", layout.toString())
            .inheritIO()
            .start();
    assertThat(unpack.waitFor()).isZero();
    return layout;
  }

  @Test
  void aContextThatIsNoFolder() {
    assertThat(Captured.run("build", "--store", store().toString(), "/no/such/folder"))
        .satisfies(c -> assertThat(c.exitCode()).isEqualTo(2))
        .satisfies(c -> assertThat(c.err()).contains("/no/such/folder"));
  }

  @Test
  void whatIsMissingIsSaidAndHelpIsThere() {
    assertThat(Captured.run().exitCode()).isEqualTo(2);
    assertThat(Captured.run("bild").err()).contains("build");
    assertThat(Captured.run("--help").out()).contains("build", "run", "Exit codes");
    assertThat(Captured.run("build", "--help").out()).contains("--build-arg");
    assertThat(Captured.run("--version").out()).startsWith("kiln ");
  }
}
