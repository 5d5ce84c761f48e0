package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cli.manifest.ManifestFile;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.Access;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code kiln sync -f}, and mirrors by {@code kiln run -f}. */
class SyncCommandTest {
  private static final String NONCE = "0123456789abcdefghij";

  @TempDir Path folder;
  private EmbeddedRegistry registry;

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
    for (String tag : List.of("1.0.0", "1.1.0", "edge")) {
      image("from/app:" + tag);
    }
    registry.requests().clear();
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  private void image(String name) throws IOException {
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      Reference target = registry.reference(name);
      byte[] config = ("{\"name\":\"" + name + "\"}").getBytes(StandardCharsets.UTF_8);
      Descriptor blob = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, config);
      client.pushBlob(target, blob, BlobSource.of(config), List.of());
      client.pushManifest(
          target, Json.write(Manifest.oci(blob, List.of(), null)), MediaTypes.OCI_MANIFEST);
    }
  }

  private String spec(String more) {
    return "  source: {repository: %1$s/from/app}\n  destination: {repository: %1$s/to/app}\n%2$s"
        .formatted(registry.host(), more.indent(2));
  }

  private Path manifest(String more) throws IOException {
    return Files.writeString(
        folder.resolve("mirror.yaml"),
        "apiVersion: kiln.build/v1alpha1\nkind: ImageMirror\nmetadata: {name: app}\nspec:\n"
            + spec(more));
  }

  private Captured sync(String more, String... options) throws IOException {
    String[] arguments = new String[options.length + 3];
    arguments[0] = "sync";
    arguments[1] = "-f";
    arguments[2] = manifest(more).toString();
    System.arraycopy(options, 0, arguments, 3, options.length);
    return Captured.run(arguments);
  }

  @Test
  void copiesAndSaysSo() throws IOException {
    Captured first = sync("tags: {semver: 1.x}");
    Captured second = sync("tags: {semver: 1.x}");

    assertThat(first.exitCode()).isZero();
    assertThat(first.out())
        .contains("copied: " + registry.reference("from/app:1.1.0"))
        .contains("2 observed, 2 copied (0 B, ")
        .contains("0 failed");
    assertThat(first.err()).isEmpty();
    assertThat(second.out())
        .isEqualTo("2 observed, 0 copied (0 B, 0 B mounted), 2 up to date, 0 deleted, 0 failed\n");
    assertThat(registry.contents().tags("to/app")).containsExactly("1.0.0", "1.1.0");
  }

  @Test
  void aDryRunOnlySays() throws IOException {
    Captured dry = sync("tags: {all: true}", "--dry-run");

    assertThat(dry.out())
        .contains("would be copied: " + registry.reference("from/app:edge"))
        .contains("3 observed, 3 to copy");
    assertThat(registry.contents().tags("to/app")).isEmpty();
  }

  @Test
  void linesOfJsonSayItAll() throws IOException {
    image("to/app:edge");
    Captured json = sync("tags: {include: [edge, '1.*', gone]}\noverwrite: Never", "--json");

    List<JsonNode> lines =
        json.out()
            .lines()
            .map(line -> Json.tree(line.getBytes(StandardCharsets.UTF_8), "a line"))
            .toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.subList(0, 4))
        .extracting(line -> line.path("result").asText())
        .containsExactlyInAnyOrder("Copied", "Copied", "Kept", "Failed");
    assertThat(lines.getLast().path("failed").asInt()).isEqualTo(1);
    assertThat(lines.getLast().path("reason").asText()).isEqualTo("NotFound");
    assertThat(json.exitCode()).isEqualTo(1);
  }

  @Test
  void aRegistryThatIsDownIsWorthAnotherTry() throws IOException {
    registry.faults().always("GET", "tags/list", Fault.status(400));
    assertThat(sync("tags: {all: true}").exitCode()).isEqualTo(1);
    registry.close();
    Captured down = sync("tags: {include: [edge]}");
    assertThat(down.exitCode()).isEqualTo(5);
    assertThat(down.err()).contains("failed: ").contains("RegistryUnavailable");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tags: {}                                 | spec.tags chooses nothing
          tags: {all: true, latestBy: Created}     | spec.tags.latestBy says
          tags: {include: ['a/b']}                 | tags.include must be tags
          platforms: [linux]                       | spec.tags is missing
          tags: {all: true}, platforms: [linux]    | platforms must be such as
          tags: {all: true}, rewrite: true         | say which in spec.platforms
          tags: {all: true}, artifactTypes: [a]    | set spec.referrers
          tags: {all: true}, timeZone: UTC         | zone of spec.schedule
          tags: {all: true}, schedule: often       | five cron fields
          tags: {all: true}, schedule: '@daily', interval: 1h | exclude each other
          tags: {all: true}, interval: 5s          | interval must be a duration
          tags: {all: true}, bandwidth: fast       | bandwidth must be bytes a second
          tags: {all: true}, concurrency: 0        | concurrency
          tags: {semver: newest}                   | not a range of versions
          tags: {regex: '['}                       | no regular expression
          tags: {all: true}, deletion: Sync        | deletion
          """)
  void whatIsWrongInAManifestIsSaid(String more, String why) throws IOException {
    Captured wrong = sync(more.replaceAll(", (?=[a-zA-Z]+: )(?![^{]*\\})", "\n"));
    assertThat(wrong.exitCode()).as(wrong.err()).isEqualTo(2);
    assertThat(wrong.err()).contains(why);
    assertThat(registry.requests().all()).isEmpty();
  }

  @Test
  void aSecretThatIsNotThereIsSaid() throws IOException {
    Captured missing = sync("tags: {all: true}\nverify: {publicKeyRef: {name: signer}}");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.err()).contains("SecretNotFound").contains("signer").contains("cosign.pub");
  }

  @Test
  void anImageBuildIsNotSynced() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("build.yaml"),
            "apiVersion: kiln.build/v1alpha1\nkind: ImageBuild\nmetadata: {name: a}\nspec: {dockerfile: {inline: FROM scratch}, output: {image: r.example/a}}\n");
    Captured refused = Captured.run("sync", "-f", file.toString());
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("holds no ImageMirror");
  }

  @Test
  void runTakesAMirrorToo() throws IOException {
    Captured run = Captured.run("run", "-f", manifest("tags: {all: true}").toString());
    assertThat(run.exitCode()).isZero();
    assertThat(run.out()).contains("3 observed, 3 copied");
  }

  @Test
  void anOrderOfAMirrorIsCarriedOutAndReported() throws IOException {
    var mirror = new ImageMirror();
    mirror.getMetadata().setName("app");
    mirror.setSpec(
        new YAMLMapper().readValue(spec("tags: {include: [edge, gone]}"), ImageMirrorSpec.class));
    var settings =
        new WorkOrder.Settings(null, null, null, null, List.of(registry.host() + "/to/**"), null);
    Path file =
        Files.writeString(
            folder.resolve("order.json"),
            Records.order(new MirrorOrder(mirror, 3, NONCE, settings)));
    Path termination = folder.resolve("termination");

    Captured run =
        Captured.run("run", "-f", file.toString(), "--termination-log", termination.toString());

    assertThat(run.exitCode()).isEqualTo(1);
    MirrorReport report = Records.lastMirrorReport(NONCE, run.out()).orElseThrow();
    assertThat(report.outcome().reason()).isEqualTo(MirrorFailureReason.NotFound);
    assertThat(report.images())
        .extracting(image -> image.result())
        .containsExactly(Result.Failed, Result.Copied);
    assertThat(Records.readMirrorOutcome(Files.readString(termination))).contains(report.outcome());
    assertThat(run.out().lines().filter(line -> line.startsWith("{\"source\"")).count())
        .isEqualTo(2);
  }

  @Test
  void theSecretsOfBothEndsAreTheirOwn() throws IOException {
    try (EmbeddedRegistry closed =
        EmbeddedRegistry.start(
            EmbeddedRegistry.Options.defaults().access(new Access.Basic(Map.of("u", "p"))))) {
      Path login = Files.createDirectories(folder.resolve("secrets/registry/login"));
      Files.writeString(
          login.resolve(".dockerconfigjson"),
          "{\"auths\":{\"%s\":{\"username\":\"u\",\"password\":\"p\"}}}".formatted(closed.host()));
      Path file =
          Files.writeString(
              folder.resolve("mirror.yaml"),
              """
              apiVersion: kiln.build/v1alpha1
              kind: ImageMirror
              metadata: {name: app}
              spec:
                source: {repository: %s/from/app}
                destination: {prefix: %s, secretRef: {name: login}}
                tags: {all: true}
              """
                  .formatted(registry.host(), closed.host()));

      Captured synced =
          Captured.run(
              "sync", "-f", file.toString(), "--secrets-dir", folder.resolve("secrets").toString());

      assertThat(synced.exitCode()).as(synced.err()).isZero();
      assertThat(closed.contents().tags("from/app")).hasSize(3);
      assertThat(registry.requests().all())
          .noneMatch(request -> request.header("Authorization").isPresent());
    }
  }

  /** Every manifest of the page is one that an API server would take. */
  @Test
  void theManifestsOfTheDocumentationAreGood() throws IOException {
    String page = Files.readString(Path.of("../docs/mirroring.md"));
    List<String> manifests =
        Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
            .matcher(page)
            .results()
            .map(block -> block.group(1))
            .toList();
    assertThat(manifests).hasSize(3);
    assertThat(manifests)
        .allSatisfy(
            text ->
                assertThat(ManifestFile.read("page", text.getBytes(StandardCharsets.UTF_8)))
                    .isInstanceOf(ManifestFile.Mirror.class));
  }
}
