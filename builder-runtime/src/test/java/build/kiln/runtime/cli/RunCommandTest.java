package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.api.work.Report;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.context.GitFixture;
import build.kiln.runtime.context.GitHttpBackend;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.testkit.ImageValidator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code kiln run -f}: the contract of a builder pod, and manifests at a desk. */
class RunCommandTest {
  private static final String NONCE = "0123456789abcdefghij";

  @TempDir Path folder;
  private EmbeddedRegistry registry;

  @BeforeEach
  void start() throws IOException {
    registry = EmbeddedRegistry.start();
  }

  @AfterEach
  void stop() {
    registry.close();
  }

  private WorkOrder order(String spec, Isolation tier, WorkOrder.Settings settings)
      throws IOException {
    var build = new ImageBuild();
    build.getMetadata().setName("test");
    build.setSpec(
        new YAMLMapper()
            .readValue(spec.replace("REGISTRY", registry.host()), ImageBuildSpec.class));
    return new WorkOrder(
        build,
        new WorkOrder.Resolved(1, 1, null, null, build.getSpec().output().tags(), tier, NONCE),
        settings);
  }

  private Captured run(String spec, Isolation tier, WorkOrder.Settings settings)
      throws IOException {
    return run(order(spec, tier, settings));
  }

  private Captured run(WorkOrder order) throws IOException {
    Path file = Files.writeString(folder.resolve("order.json"), Records.order(order));
    return Captured.run(
        "run",
        "-f",
        file.toString(),
        "--workspace",
        folder.resolve("workspace").toString(),
        "--secrets-dir",
        folder.resolve("secrets").toString(),
        "--configmaps-dir",
        folder.resolve("configmaps").toString(),
        "--termination-log",
        terminationLog().toString());
  }

  private Path terminationLog() {
    return folder.resolve("termination");
  }

  private Outcome outcome() throws IOException {
    return Records.readOutcome(Files.readString(terminationLog())).orElseThrow();
  }

  @Test
  void anOrderIsBuiltPushedAndReported() throws IOException {
    Captured run =
        run(
            """
            source: {inline: [{path: f, content: "text"}]}
            dockerfile: {inline: "FROM scratch\\nCOPY f /\\n"}
            output: {image: REGISTRY/shop/api, tags: [a, b]}
            """,
            Isolation.NoRun,
            WorkOrder.Settings.none());

    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    Outcome outcome = outcome();
    assertThat(outcome.succeeded()).isTrue();
    assertThat(outcome.image()).isEqualTo(registry.host() + "/shop/api@" + outcome.digest());
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      for (String tag : List.of("a", "b")) {
        Reference name = registry.reference("shop/api:" + tag);
        assertThat(client.head(name).orElseThrow().digest()).hasToString(outcome.digest());
        ImageValidator.assertValid(client, name);
      }
    }
    String last = run.out().lines().reduce((a, b) -> b).orElseThrow();
    Report report = Records.lastReport(NONCE, last).orElseThrow();
    assertThat(report.outcome()).isEqualTo(outcome);
    assertThat(report.steps()).extracting(s -> s.instruction()).containsExactly("COPY f /");
    assertThat(report.timings()).containsKeys("jvm", "source", "base", "steps", "push");
    assertThat(report.peakMemory()).isPositive();
    assertThat(Records.lastProgress(NONCE, run.out())).isPresent();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1700000000", "'1700000000'"})
  void aGivenTimeIsThatOfTheImage(String time) throws IOException {
    Captured run =
        run(
            """
            source: {inline: [{path: f, content: "text"}]}
            dockerfile: {inline: "FROM scratch\\nARG SOURCE_DATE_EPOCH\\nCOPY f /\\nLABEL t=$SOURCE_DATE_EPOCH\\n"}
            reproducible: {sourceDateEpoch: %s}
            output: {image: REGISTRY/shop/api}
            """
                .formatted(time),
            Isolation.NoRun,
            WorkOrder.Settings.none());

    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    ImageConfig config = pushed("shop/api:latest");
    assertThat(config.created()).isEqualTo("2023-11-14T22:13:20Z");
    assertThat(config.config()).extracting(ContainerConfig::labels).hasToString("{t=1700000000}");
  }

  private ImageConfig pushed(String name) throws IOException {
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      Reference reference = registry.reference(name);
      Manifest manifest =
          Json.read(client.fetchManifest(reference).bytes(), Manifest.JSON, "the manifest");
      try (var in = client.openBlob(reference, manifest.config())) {
        return Json.read(in.readAllBytes(), ImageConfig.JSON, "the configuration");
      }
    }
  }

  @Test
  void theCommitsTimeIsThatOfTheImage() throws IOException, InterruptedException {
    Assumptions.assumeTrue(GitFixture.isGitHere(), "git is needed");
    Path work = Files.createDirectory(folder.resolve("work"));
    GitFixture.git(work, 0, "init", "-q", "-b", "main");
    Files.writeString(work.resolve("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    GitFixture.git(work, 0, "add", "-A");
    GitFixture.git(work, 1_600_000_000, "commit", "-q", "-m", "one");
    GitFixture.git(folder, 0, "clone", "-q", "--mirror", "work", "repo.git");
    try (var server = new GitHttpBackend(folder)) {
      Captured run =
          run(
              """
              source: {git: {url: "%s"}}
              reproducible: {sourceDateEpoch: commit}
              output: {image: REGISTRY/shop/api}
              """
                  .formatted(server.url("/repo.git")),
              Isolation.NoRun,
              WorkOrder.Settings.none());

      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
      assertThat(pushed("shop/api:latest").created()).isEqualTo("2020-09-13T12:26:40Z");
    }
  }

  /** A named context of every kind. */
  @Test
  void namedContextsAreThere() throws IOException, InterruptedException {
    Assumptions.assumeTrue(GitFixture.isGitHere(), "git is needed");
    Path work = Files.createDirectory(folder.resolve("work"));
    GitFixture.git(work, 0, "init", "-q", "-b", "main");
    Files.createDirectory(work.resolve("sub"));
    Files.writeString(work.resolve("sub/g"), "of git");
    GitFixture.git(work, 0, "add", "-A");
    GitFixture.git(work, 1_600_000_000, "commit", "-q", "-m", "one");
    GitFixture.git(folder, 0, "clone", "-q", "--mirror", "work", "repo.git");
    Path map = Files.createDirectories(folder.resolve("configmaps/files"));
    Files.writeString(map.resolve("key"), "of a map");
    String output = "output: {image: REGISTRY/shop/%s}\n";
    Captured other =
        run(
            "dockerfile: {inline: \"FROM scratch\\nLABEL of=other\\n\"}\n"
                + output.formatted("other"),
            Isolation.NoRun,
            WorkOrder.Settings.none());
    assertThat(other.exitCode()).as(other.out() + other.err()).isZero();

    try (var server = new GitHttpBackend(folder)) {
      Captured run =
          run(
              """
              dockerfile:
                inline: |
                  FROM docker.io/library/base
                  COPY --from=git g /g
                  COPY --from=map m /m
                  COPY --from=inline / /
              contexts:
              - {name: base, image: {image: REGISTRY/shop/other}}
              - {name: git, git: {url: "%s", subPath: sub}}
              - {name: map, configMap: {name: files, items: [{key: key, path: m}]}}
              - {name: inline, inline: [{path: i, content: inline}]}
              """
                      .formatted(server.url("/repo.git"))
                  + output.formatted("api"),
              Isolation.NoRun,
              WorkOrder.Settings.none());

      assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
      ImageConfig config = pushed("shop/api:latest");
      assertThat(config.config()).extracting(ContainerConfig::labels).hasToString("{of=other}");
      assertThat(config.rootfs().diffIds()).hasSize(3);
    }
  }

  @Test
  void anImageOfANamedContextMustBeAllowedAsABase() throws IOException {
    Captured run =
        run(
            """
            dockerfile: {inline: "FROM base\\nENV A=b\\n"}
            contexts: [{name: base, image: {image: other.example/base}}]
            output: {image: REGISTRY/x}
            """,
            Isolation.NoRun,
            new WorkOrder.Settings(null, null, null, List.of(registry.host() + "/*"), null, null));

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(outcome().reason()).isEqualTo(FailureReason.RegistryNotAllowed);
    assertThat(outcome().message()).contains("other.example/base");
  }

  @Test
  void aBuildArgumentHasItsValueFromTheOrderOrAConfigMap() throws IOException {
    Path map = Files.createDirectories(folder.resolve("configmaps/versions"));
    Files.writeString(map.resolve("app"), "of the folder");
    String spec =
        """
        dockerfile: {inline: "FROM scratch\\nARG V\\nARG W\\nLABEL v=$V w=$W\\n"}
        buildArgs: [{name: V, valueFrom: {configMapKeyRef: {name: versions, key: app}}}, {name: W, value: w}]
        output: {image: REGISTRY/shop/api}
        """;
    Captured run = run(spec, Isolation.NoRun, WorkOrder.Settings.none());
    assertThat(run.exitCode()).as(run.out() + run.err()).isZero();
    assertThat(pushed("shop/api:latest").config())
        .extracting(ContainerConfig::labels)
        .hasToString("{v=of the folder, w=w}");

    WorkOrder order = order(spec, Isolation.NoRun, WorkOrder.Settings.none());
    WorkOrder.Resolved resolved = order.resolved();
    Captured resolvedRun =
        run(
            new WorkOrder(
                order.resource(),
                new WorkOrder.Resolved(
                    1,
                    1,
                    null,
                    Map.of("V", "resolved"),
                    resolved.tags(),
                    resolved.isolation(),
                    NONCE),
                order.settings()));
    assertThat(resolvedRun.exitCode()).as(resolvedRun.out() + resolvedRun.err()).isZero();
    assertThat(pushed("shop/api:latest").config())
        .extracting(ContainerConfig::labels)
        .hasToString("{v=resolved, w=w}");
  }

  static Stream<Arguments> failures() {
    String from = "dockerfile: {inline: \"FROM scratch\\nENV A=b\\n\"}\n";
    String out = "output: {image: REGISTRY/x}\n";
    return Stream.of(
        Arguments.of(
            FailureReason.DockerfileInvalid, 1, "dockerfile: {inline: \"FORM x\"}\n" + out),
        Arguments.of(
            FailureReason.BaseImageNotFound,
            1,
            "dockerfile: {inline: \"FROM REGISTRY/n\"}\n" + out),
        Arguments.of(
            FailureReason.SourceNotFound, 1, "source: {inline: [{path: a, content: b}]}\n" + out),
        Arguments.of(FailureReason.SourceNotFound, 1, "source: {configMap: {name: none}}\n" + out),
        Arguments.of(
            FailureReason.SourceNotFound,
            1,
            from + out + "contexts: [{name: a, configMap: {name: none}}]\n"),
        Arguments.of(
            FailureReason.SecretNotFound,
            1,
            from
                + out
                + "contexts: [{name: a, git: {url: \"http://REGISTRY/a.git\", secretRef: {name: s}}}]\n"),
        Arguments.of(
            FailureReason.SpecInvalid,
            2,
            from
                + out
                + "contexts: [{name: a, image: {image: x}}, {name: \"a:latest\", image: {image: y}}]\n"),
        Arguments.of(
            FailureReason.SourceNotFound,
            1,
            from
                + out
                + "buildArgs: [{name: V, valueFrom: {configMapKeyRef: {name: none, key: k}}}]\n"),
        Arguments.of(
            FailureReason.SpecInvalid, 2, from + "reproducible: {sourceDateEpoch: commit}\n" + out),
        Arguments.of(
            FailureReason.SecretNotFound,
            1,
            from + "output: {image: REGISTRY/x, secretRef: {name: s}}\n"),
        Arguments.of(
            FailureReason.SecretNotFound,
            1,
            "source: {git: {url: \"http://REGISTRY/a.git\", secretRef: {name: s}}}\n" + out),
        Arguments.of(
            FailureReason.StepFailed,
            1,
            "dockerfile: {inline: \"FROM scratch\\nCOPY a /\"}\n" + out),
        Arguments.of(
            FailureReason.IsolationUnavailable,
            1,
            "dockerfile: {inline: \"FROM scratch\\nRUN a\"}\n" + out),
        Arguments.of(
            FailureReason.RegistryNotAllowed,
            1,
            from + out + "cache: {registry: {repository: other.example/x}}\n"),
        Arguments.of(
            FailureReason.SecretNotFound,
            1,
            from + out + "cache: {registry: {repository: REGISTRY/c, secretRef: {name: s}}}\n"),
        Arguments.of(
            FailureReason.RegistryNotAllowed, 1, from + "output: {image: other.example/x}\n"),
        Arguments.of(
            FailureReason.RegistryNotAllowed,
            1,
            "dockerfile: {inline: \"FROM other.example/base\"}\n" + out),
        Arguments.of(
            FailureReason.RegistryUnavailable, 5, from + "output: {image: REGISTRY/down}\n"),
        Arguments.of(FailureReason.PushDenied, 1, from + "output: {image: REGISTRY/denied}\n"),
        // What no later attempt mends: an invalid manifest, a redirect to where none may lead.
        Arguments.of(FailureReason.RegistryInvalid, 1, from + "output: {image: REGISTRY/odd}\n"),
        Arguments.of(
            FailureReason.RegistryInvalid,
            1,
            "dockerfile: {inline: \"FROM REGISTRY/hostile\"}\n" + out),
        Arguments.of(
            FailureReason.RegistryInvalid,
            1,
            "dockerfile: {inline: \"FROM REGISTRY/garbled\"}\n" + out),
        Arguments.of(FailureReason.Unauthorized, 1, from + "output: {image: REGISTRY/who}\n"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void everyFailureHasItsReasonAndExitCode(FailureReason reason, int code, String spec)
      throws IOException {
    registry.faults().always("POST", "/v2/down/.*", Fault.status(503));
    registry.faults().always("POST", "/v2/denied/.*", Fault.error(403, "DENIED", "no"));
    registry.faults().always("PUT", "/v2/odd/.*", Fault.error(400, "MANIFEST_INVALID", "no"));
    registry
        .faults()
        .always(
            "GET",
            "/v2/hostile/.*",
            Fault.status(307, Map.of("Location", "http://169.254.169.254/latest")));
    registry
        .faults()
        .always(
            "GET",
            "/v2/garbled/.*",
            Fault.content("application/vnd.oci.image.manifest.v1+json", "{"));
    for (String method : List.of("HEAD", "POST", "PUT")) {
      registry.faults().always(method, "/v2/who/.*", Fault.error(401, "UNAUTHORIZED", "who"));
    }
    var settings =
        new WorkOrder.Settings(
            Map.of(),
            null,
            null,
            List.of(registry.host() + "/*"),
            List.of(registry.host() + "/*"),
            null);

    Captured run = run(spec, Isolation.NoRun, settings);

    assertThat(outcome().reason()).as(run.out()).isEqualTo(reason);
    assertThat(outcome().message()).isNotBlank();
    assertThat(run.exitCode()).isEqualTo(code);
    assertThat(Records.lastReport(NONCE, run.out()).orElseThrow().outcome().reason())
        .isEqualTo(reason);
  }

  @Test
  void theCacheOfAnOrderServesTheNextPod() throws IOException {
    String spec =
        """
        source: {inline: [{path: f, content: "text"}]}
        dockerfile: {inline: "FROM scratch\\nCOPY f /\\n"}
        output: {image: REGISTRY/shop/api}
        cache: {registry: {repository: REGISTRY/shop/cache}, mode: MODE, disabled: OFF}
        """;
    String on = spec.replace("MODE", "max").replace("OFF", "false");
    Captured first = run(on, Isolation.NoRun, WorkOrder.Settings.none());
    assertThat(first.exitCode()).as(first.out()).isZero();
    assertThat(outcome().cached()).isZero();
    forgetTheWorkspace();

    Captured second = run(on, Isolation.NoRun, WorkOrder.Settings.none());
    assertThat(outcome().cached()).as(second.out()).isEqualTo(1);
    assertThat(outcome().pulledBytes()).isZero();
    assertThat(Records.lastReport(NONCE, second.out()).orElseThrow().timings())
        .containsKeys("steps", "push", "cache");
    forgetTheWorkspace();

    registry.requests().clear();
    run(
        on.replace("disabled: false", "disabled: true"),
        Isolation.NoRun,
        WorkOrder.Settings.none());
    assertThat(outcome().cached()).isZero();
    assertThat(registry.requests().count("*", "/shop/cache/")).isZero();
  }

  private void forgetTheWorkspace() throws IOException {
    Files.move(folder.resolve("workspace"), Files.createTempDirectory(folder, "old").resolve("w"));
  }

  @Test
  void aTierThatCannotBeHadHasACodeOfItsOwn() {
    assertThat(ExitCodes.of(FailureReason.IsolationUnavailable, Isolation.Namespaces).code())
        .isEqualTo(4);
    assertThat(ExitCodes.of(FailureReason.IsolationUnavailable, Isolation.NoRun).code())
        .isEqualTo(1);
    for (FailureReason reason : FailureReason.values()) {
      if (reason.retryable()) {
        assertThat(ExitCodes.of(reason, Isolation.Auto).code()).isEqualTo(5);
      }
    }
    assertThat(ExitCodes.of(FailureReason.OutOfMemory, Isolation.Auto).code()).isEqualTo(3);
  }

  @Test
  void secretsLogIn() throws IOException {
    Path secret = Files.createDirectories(folder.resolve("secrets/registry/login"));
    Files.writeString(
        secret.resolve(".dockerconfigjson"),
        "{\"auths\":{\"%s\":{\"username\":\"u\",\"password\":\"p\"}}}".formatted(registry.host()));

    Captured run =
        run(
            """
            dockerfile: {inline: "FROM scratch\\nENV A=b\\n"}
            output: {image: REGISTRY/x, secretRef: {name: login}}
            """,
            Isolation.NoRun,
            WorkOrder.Settings.none());

    assertThat(run.exitCode()).as(run.out()).isZero();
  }

  @Test
  void aSecretOfTheBuildMustBeThere() throws IOException {
    Captured run =
        run(
            """
            dockerfile: {inline: "FROM scratch\\nENV A=b\\n"}
            secrets: [{id: npm, secretRef: {name: tokens}}]
            output: {image: REGISTRY/x}
            """,
            Isolation.NoRun,
            WorkOrder.Settings.none());

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.out()).contains("the Secret \"tokens\" has no key npm");
  }

  @Test
  void aManifestAtADesk() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("imagebuild.yaml"),
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: files}
            data: {Dockerfile: "FROM scratch\\nCOPY Dockerfile /\\n"}
            ---
            apiVersion: kiln.build/v1alpha1
            kind: ImageBuild
            metadata: {name: x}
            spec:
              source: {configMap: {name: files}}
              output: {image: %s/desk, tags: ["run-{{run}}"]}
            """
                .formatted(registry.host()));

    Captured run =
        Captured.run("run", "-f", file.toString(), "--workspace", folder.resolve("ws").toString());

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.out()).startsWith(registry.host() + "/desk@sha256:").hasLineCount(1);
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      assertThat(client.head(registry.reference("desk:run-1"))).isPresent();
    }
    try (var left = Files.list(folder.resolve("ws"))) {
      assertThat(left).noneMatch(path -> path.toString().contains("configmaps"));
    }
  }

  @Test
  void filesThatAreNoManifest() throws IOException {
    assertThat(Captured.run("run", "-f", "/no/such/file"))
        .satisfies(run -> assertThat(run.exitCode()).isEqualTo(2))
        .satisfies(run -> assertThat(run.err()).contains("there is no such file"));
    Path file = Files.writeString(folder.resolve("x.yaml"), "kind: Pod\napiVersion: v1\n");
    assertThat(Captured.run("run", "-f", file.toString()).exitCode()).isEqualTo(2);
  }
}
