package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.InlineContext;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import build.kiln.runtime.oci.ImageConfig.Healthcheck;
import build.kiln.runtime.oci.ImageConfig.History;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole builds without RUN. */
class BuilderTest {
  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a.txt", "a");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  @Test
  void aGivenTimeMakesTheWholeImageTheSame() throws Exception {
    bench.request(r -> change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    String dockerfile = "FROM scratch\nENV A=b\nCOPY a.txt /x/\nWORKDIR /w";
    Built first = bench.build(dockerfile);
    bench.freshStore();

    assertThat(bench.build(dockerfile).digest()).isEqualTo(first.digest());
    assertThat(first.config().created()).isEqualTo("2023-11-14T22:13:20Z");
  }

  /** The fixed time is for what this build did, whatever moment the cache did it at. */
  @Test
  void aContextWithATimeMakesTheWholeImageTheSame() throws Exception {
    String dockerfile = "FROM scratch\nENV A=b\nCOPY a /x/\nWORKDIR /w\nLABEL c=d";
    Built first = bench.build(dockerfile, context(1700000000));
    Built cached = bench.build(dockerfile, context(1700000000));
    bench.freshStore();
    Built again = bench.build(dockerfile, context(1700000000));

    assertThat(again.digest()).isEqualTo(first.digest()).isEqualTo(cached.digest());
    assertThat(first.config().created()).isEqualTo("2023-11-14T22:13:20Z");
    assertThat(first.config().history())
        .extracting(History::created)
        .containsOnly("2023-11-14T22:13:20Z");
  }

  private static BuildContext context(long time) throws Exception {
    return new CommittedContext(InlineContext.of(List.of(new InlineFile("a", "text", 0644))), time);
  }

  @Test
  void filesOfAFolderHaveAGivenTime() throws Exception {
    bench.request(r -> change(r, Map.of("SOURCE_DATE_EPOCH", "1600000000")));
    bench.file("old", "o");
    Files.setLastModifiedTime(
        bench.contextFolder().resolve("old"), FileTime.from(Instant.ofEpochSecond(1500000000)));

    Built built = bench.build("FROM scratch\nCOPY a.txt old /x/\nCOPY <<E /doc\nE");

    assertThat(times(built))
        .containsExactly(
            "x 1600000000", "x/a.txt 1600000000", "x/old 1600000000", "doc 1600000000");
  }

  /** One checkout is older than the time, one is younger, and their modes come with a checkout. */
  @Test
  void twoCheckoutsMakeOneDigest() throws Exception {
    bench.request(r -> change(r, Map.of("SOURCE_DATE_EPOCH", "1600000000")));
    bench.file("d/sub/file", "f");
    bench.file("top", "t");
    var digests = new java.util.TreeSet<String>();
    for (long seconds : List.of(1500000000L, 1600000001L)) {
      for (String path : List.of("d/sub/file", "top", "d/sub", "d")) {
        Files.setLastModifiedTime(
            bench.contextFolder().resolve(path),
            FileTime.from(Instant.ofEpochSecond(seconds, 123456789)));
      }
      bench.freshStore();
      Built built =
          bench.build("FROM scratch\nCOPY d /d\nCOPY . /all/\nCOPY --parents d/sub/f* /p/");
      digests.add(built.digest().toString());
    }
    assertThat(digests).hasSize(1);
  }

  private static List<String> times(Built built) throws IOException {
    var times = new java.util.ArrayList<String>();
    for (var layer : built.layers()) {
      for (var item : built.store().layers().index(layer).items()) {
        if (item instanceof LayerIndex.Item.Entry entry) {
          times.add(entry.meta().path() + " " + entry.meta().mtimeSeconds());
        }
      }
    }
    return times;
  }

  @Test
  void everyInstructionOfTheConfiguration() throws Exception {
    Built built =
        bench.build(
            """
            FROM scratch
            MAINTAINER someone
            ENV A=1 B="two words" C=$A
            ENV C=${A}x
            LABEL l.b=2 l.a="$A"
            EXPOSE 80 53/udp 8000-8001
            VOLUME /data ["/x"]
            USER 5:6
            SHELL ["/bin/bash", "-c"]
            STOPSIGNAL SIGINT
            HEALTHCHECK --interval=5s --retries=3 CMD test -f /x
            ONBUILD COPY . /src
            CMD echo $A
            ENTRYPOINT ["/run", "-x"]
            CMD ["more"]
            """
                .replace("VOLUME /data [\"/x\"]", "VOLUME [\"/data\", \"/x\"]"));

    ContainerConfig config = built.container();
    assertThat(config.env())
        .containsExactly(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "A=1",
            "B=two words",
            "C=1x");
    assertThat(config.labels()).containsExactly(Map.entry("l.a", "1"), Map.entry("l.b", "2"));
    assertThat(config.exposedPorts()).containsOnlyKeys("80/tcp", "53/udp", "8000/tcp", "8001/tcp");
    assertThat(config.volumes()).containsOnlyKeys("/data", "/x");
    assertThat(config.user()).isEqualTo("5:6");
    assertThat(config.shell()).containsExactly("/bin/bash", "-c");
    assertThat(config.stopSignal()).isEqualTo("SIGINT");
    assertThat(config.healthcheck())
        .isEqualTo(
            new Healthcheck(
                List.of("CMD-SHELL", "test -f /x"), 5_000_000_000L, null, null, null, 3));
    assertThat(config.onBuild()).containsExactly("COPY . /src");
    assertThat(config.entrypoint()).containsExactly("/run", "-x");
    assertThat(config.cmd()).containsExactly("more");
    assertThat(config.workingDir()).isEqualTo("/");
    assertThat(built.config().author()).isEqualTo("someone");
    assertThat(built.layers()).isEmpty();
    assertThat(built.config().history())
        .hasSize(13)
        .allMatch(h -> Boolean.TRUE.equals(h.emptyLayer()));
  }

  @Test
  void shellFormsUseTheShellAndAnEntrypointDropsAnInheritedCommand() throws Exception {
    String base =
        bench.base(
            "base:1",
            sink -> BuildBench.text(sink, "f", "f"),
            new ContainerConfig(
                "u",
                null,
                List.of("PATH=/p", "X=y"),
                null,
                List.of("inherited"),
                null,
                null,
                null,
                "/w",
                Map.of("k", "v"),
                null,
                null,
                null));

    ContainerConfig config =
        bench.build("FROM " + base + "\nENTRYPOINT run it\nSHELL [\"sh\"]").container();

    assertThat(config.entrypoint()).containsExactly("/bin/sh", "-c", "run it");
    assertThat(config.cmd()).isNull();
    assertThat(config.env()).containsExactly("PATH=/p", "X=y");
    assertThat(config.user()).isEqualTo("u");
    assertThat(config.workingDir()).isEqualTo("/w");
    assertThat(config.labels()).containsEntry("k", "v");
  }

  static Stream<Arguments> arguments() {
    return Stream.of(
        Arguments.of("ARG V\nFROM scratch\nARG V\nLABEL v=$V", Map.of("V", "given"), "given"),
        Arguments.of("ARG V=d\nFROM scratch\nARG V\nLABEL v=$V", Map.of(), "d"),
        Arguments.of("ARG V=d\nFROM scratch\nLABEL v=$V", Map.of("V", "given"), ""),
        Arguments.of("ARG V=d\nFROM scratch\nARG V=e\nLABEL v=$V", Map.of(), "e"),
        Arguments.of("FROM scratch\nARG V=d\nENV V=env\nLABEL v=$V", Map.of("V", "x"), "env"),
        Arguments.of("FROM scratch\nENV V=env\nARG V=d\nLABEL v=$V", Map.of("V", "x"), "x"),
        Arguments.of("FROM scratch\nARG A=1 V=${A}2\nLABEL v=$V", Map.of(), "12"),
        Arguments.of("FROM scratch\nARG TARGETOS\nLABEL v=$TARGETOS", Map.of(), "linux"),
        Arguments.of("FROM scratch AS x\nARG V=up\nFROM x\nLABEL v=$V", Map.of(), "up"),
        Arguments.of("FROM scratch AS x\nARG V=up\nFROM scratch\nLABEL v=$V", Map.of(), ""));
  }

  @ParameterizedTest
  @MethodSource("arguments")
  void argumentsHaveTheirScopes(String dockerfile, Map<String, String> given, String value)
      throws Exception {
    bench.request(r -> change(r, given));

    assertThat(bench.build(dockerfile).container().labels()).containsEntry("v", value);
  }

  @Test
  void theHistoryHasALayerForEveryStepThatMakesOne() throws Exception {
    Built built =
        bench.build("FROM scratch\nARG V=1\nCOPY a.txt /x\nENV A=b\nWORKDIR /w\nCMD [\"/x\"]");

    assertThat(built.config().history())
        .extracting(History::createdBy, History::emptyLayer)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("ARG V=1", true),
            org.assertj.core.groups.Tuple.tuple("COPY a.txt /x", null),
            org.assertj.core.groups.Tuple.tuple("ENV A=b", true),
            org.assertj.core.groups.Tuple.tuple("WORKDIR /w", null),
            org.assertj.core.groups.Tuple.tuple("CMD [\"/x\"]", true));
    assertThat(built.layers()).hasSize(2);
  }

  @Test
  void stagesThatTheTargetDoesNotNeedAreNotBuiltAndTheirBasesNotPulled() throws Exception {
    Built built =
        bench.build(
            """
            FROM %s/no/such:image AS unused
            COPY nothing /
            FROM scratch AS used
            COPY a.txt /x
            FROM scratch
            COPY --from=used /x /y
            """
                .formatted(bench.registry.host()));

    assertThat(built.files()).containsExactly("0644 0:0 y \"a\"");
    assertThat(bench.registry.requests().all()).isEmpty();
  }

  @Test
  void aTargetIsTakenByNameOrNumber() throws Exception {
    String dockerfile = "FROM scratch AS one\nCOPY a.txt /1\nFROM scratch\nCOPY a.txt /2";
    bench.request(r -> target(r, "one"));
    assertThat(bench.build(dockerfile).files()).containsExactly("0644 0:0 1 \"a\"");
    bench.request(r -> target(r, "1"));
    assertThat(bench.build(dockerfile).files()).containsExactly("0644 0:0 2 \"a\"");
    bench.request(r -> target(r, "oen"));
    assertFailure(dockerfile, FailureReason.DockerfileInvalid, "did you mean one?");
  }

  @Test
  void triggersOfABaseRunInTheChildAndAreGoneThen() throws Exception {
    String base = withTriggers("onbuild:1", "COPY a.txt /from-trigger", "ENV T=1");

    Built built = bench.build("FROM " + base + "\nLABEL t=$T");

    assertThat(built.files()).contains("0644 0:0 from-trigger \"a\"");
    assertThat(built.container().labels()).containsEntry("t", "1");
    assertThat(built.container().onBuild()).isNull();
    assertThat(bench.build("FROM scratch AS p\nONBUILD COPY a.txt /t\nFROM p").files())
        .containsExactly("0644 0:0 t \"a\"");
  }

  @Test
  void aTriggerOfABaseThatTakesFromItsOwnStageIsRefused() throws Exception {
    String base = withTriggers("onbuild:1", "COPY --from=me a.txt /x");

    assertFailure(
        "FROM " + base + " AS me\nLABEL a=b",
        FailureReason.DockerfileInvalid,
        "ONBUILD of " + base + ":1:13: stage me takes from itself");
  }

  private String withTriggers(String name, String... triggers) throws IOException {
    return bench.base(
        name,
        sink -> BuildBench.text(sink, "f", "f"),
        new ContainerConfig(
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            List.of(triggers),
            null,
            null));
  }

  @Test
  void triggersOfABaseTakeFromStagesAndImagesThatNothingElseNeeds() throws Exception {
    String other =
        bench.base(
            "other:1", sink -> BuildBench.text(sink, "of-other", "o"), ContainerConfig.empty());
    String base =
        withTriggers("taking:1", "COPY --from=files /x/a.txt /", "COPY --from=" + other + " / /o/");
    String stages = "FROM scratch AS first\nCOPY a.txt /y/\nFROM scratch AS files\n";

    Built built = bench.build(stages + "COPY --from=first /y/ /x/\nFROM " + base);

    assertThat(built.files())
        .contains("0644 0:0 a.txt \"a\"", "0644 0:0 o/of-other \"o\"", "0644 0:0 f \"f\"");
    bench.request(r -> target(r, "0"));
    assertFailure(
        "FROM " + base + "\nFROM scratch AS files\nCOPY a.txt /x/",
        FailureReason.DockerfileInvalid,
        "takes from files, which comes later");
    assertFailure(
        "FROM " + base + " AS files\nCOPY a.txt /x/",
        FailureReason.DockerfileInvalid,
        "takes from itself");
  }

  @Test
  void theSameInputsGiveTheSameLayersOnAnotherMachine() throws Exception {
    String base = bench.debianLike();
    String dockerfile = "FROM " + base + "\nWORKDIR /new/dir\nCOPY a.txt /bin/\nCOPY a.txt /q/w/";
    var first = bench.build(dockerfile).layers();
    bench.freshStore();

    assertThat(bench.build(dockerfile).layers()).isEqualTo(first);
  }

  @Test
  void aWarmCacheDoesNothingAndGivesTheSameImage() throws Exception {
    String base = bench.debianLike();
    bench.file("d/f", "1");
    String dockerfile =
        """
        FROM %s AS one
        COPY d /d
        WORKDIR /w
        FROM scratch
        COPY --from=one /d /e
        ENV A=b
        """
            .formatted(base);
    Built cold = bench.build(dockerfile);
    assertThat(results()).containsExactly(CacheResult.Miss, CacheResult.Miss, CacheResult.Miss);
    // Times are no content.
    Files.setLastModifiedTime(bench.contextFolder().resolve("d/f"), FileTime.from(Instant.now()));
    bench.registry.requests().clear();

    Built warm = bench.build(dockerfile);

    assertThat(results()).containsExactly(CacheResult.Hit, CacheResult.Hit, CacheResult.Hit);
    assertThat(warm.digest()).isEqualTo(cold.digest());
    assertThat(warm.result().cached()).isEqualTo(3);
    assertThat(bench.registry.requests().all()).noneMatch(r -> r.toString().contains("/blobs/"));
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        Arguments.of("content", 3),
        Arguments.of("mode", 3),
        Arguments.of("name", 3),
        Arguments.of("unrelated", 0));
  }

  @ParameterizedTest
  @MethodSource("changes")
  void whatChangedIsBuiltAgain(String change, int misses) throws Exception {
    String dockerfile =
        "FROM scratch AS one\nCOPY d /d\nCOPY a.txt /a\nFROM scratch\nCOPY --from=one /d /e";
    bench.file("d/f", "1");
    bench.build(dockerfile);
    Path file = bench.contextFolder().resolve("d/f");
    switch (change) {
      case "content" -> bench.file("d/f", "2");
      case "mode" -> assertThat(file.toFile().setExecutable(true)).isTrue();
      case "name" -> Files.move(file, file.resolveSibling("g"));
      default -> bench.file("other", "x");
    }

    bench.build(dockerfile);

    assertThat(results().stream().filter(r -> r == CacheResult.Miss)).hasSize(misses);
  }

  @Test
  void copiesFromAStageDoNotDependOnWhatElseIsInIt() throws Exception {
    String dockerfile =
        "FROM scratch AS one\nCOPY d /d\nCOPY a.txt /a\nFROM scratch\nCOPY --from=one /d /e";
    bench.file("d/f", "1");
    bench.build(dockerfile);
    bench.file("a.txt", "changed");

    bench.build(dockerfile);

    assertThat(results())
        .containsExactlyInAnyOrder(CacheResult.Hit, CacheResult.Miss, CacheResult.Hit);
  }

  @Test
  void withoutTheCacheEverythingIsDone() throws Exception {
    String dockerfile = "FROM scratch\nCOPY a.txt /a";
    bench.build(dockerfile);
    bench.request(BuilderTest::withoutCache);

    bench.build(dockerfile);

    assertThat(results()).containsExactly(CacheResult.Miss);
  }

  @Test
  void aLostOrDamagedCacheIsAMiss() throws Exception {
    String dockerfile = "FROM scratch\nCOPY a.txt /a";
    Built built = bench.build(dockerfile);
    Files.delete(bench.store().blobPath(built.result().layers().getFirst().digest()));

    assertThat(bench.build(dockerfile).files()).containsExactly("0644 0:0 a \"a\"");
    assertThat(results()).containsExactly(CacheResult.Miss);
    try (var records = Files.newDirectoryStream(bench.store().root().resolve("cache"))) {
      for (Path record : records) {
        Files.writeString(record, "garbage");
      }
    }
    assertThat(bench.build(dockerfile).files()).containsExactly("0644 0:0 a \"a\"");
    assertThat(results()).containsExactly(CacheResult.Miss);
  }

  @Test
  void filesOfAManifestAreDatedAlike() throws Exception {
    var inline =
        InlineContext.of(
            List.of(new build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile("x/y", "text", 0755)));

    Built built = bench.build("FROM scratch\nCOPY . /z/", inline);

    assertThat(built.files())
        .containsExactly("0755 0:0 z/", "0755 0:0 z/x/", "0755 0:0 z/x/y \"text\"");
    bench.freshStore();
    assertThat(bench.build("FROM scratch\nCOPY . /z/", inline).layers()).isEqualTo(built.layers());
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of("FORM x", FailureReason.DockerfileInvalid, "did you mean FROM?"),
        Arguments.of("FROM HOST/none:1", FailureReason.BaseImageNotFound, "Dockerfile:1:6"),
        Arguments.of("FROM scratch AS build\nFROM bild", FailureReason.RegistryNotAllowed, "^"),
        Arguments.of(
            "FROM scratch\nRUN --security=insecure x",
            FailureReason.DockerfileInvalid,
            "not supported"),
        Arguments.of(
            "FROM scratch\nARG U=http://x.invalid/y\nADD $U /x",
            FailureReason.SourceUnavailable,
            "get http://x.invalid/y on x.invalid:80 but the host is not known"),
        Arguments.of(
            "FROM --platform=a/b/c/d HOST/b:1",
            FailureReason.DockerfileInvalid,
            "Dockerfile:1:17: not a platform"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void failuresHaveAReasonAndAPlace(String dockerfile, FailureReason reason, String text) {
    bench.allowedBases(r -> r.registry().equals(bench.registry.host()));

    assertFailure(dockerfile.replace("HOST", bench.registry.host()), reason, text);
  }

  @Test
  void aRegistryThatIsDownIsNoMissingImage() throws Exception {
    String base = bench.debianLike();
    bench.registry.faults().always("GET", ".*/manifests/.*", Fault.status(503));

    assertFailure("FROM " + base, FailureReason.RegistryUnavailable, "503");
  }

  @Test
  void anImageForAnotherPlatformIsNotTaken() throws Exception {
    String base = bench.debianLike();
    bench.request(
        r ->
            new BuildRequest(
                r.dockerfile(),
                null,
                r.context(),
                null,
                Map.of(),
                Map.of(),
                Platform.parse("linux/riscv64"),
                true,
                false,
                r.compression(),
                Map.of(),
                Map.of()));

    assertFailure(
        "FROM " + base, FailureReason.BaseImageNotFound, "is not there for linux/riscv64");
  }

  @Test
  void noRunRefusesBeforeAnythingIsDone() throws Exception {
    bench.sandboxes(
        new SandboxSource() {
          @Override
          public build.kiln.runtime.sandbox.Sandbox get() {
            throw new AssertionError("not asked");
          }

          @Override
          public boolean canRun() {
            return false;
          }
        });

    assertFailure(
        "FROM scratch\nCOPY a.txt /\nRUN x", FailureReason.IsolationUnavailable, "Dockerfile:3:1");
    assertThat(bench.events).noneMatch(BuildEvent.Planned.class::isInstance);
    assertFailure(
        "FROM " + withTriggers("runs:1", "RUN x"),
        FailureReason.IsolationUnavailable,
        "ONBUILD of %s/runs:1:1:1".formatted(bench.registry.host()));
  }

  @Test
  void aStepThatCannotReadItsFilesHasAPlace() throws Exception {
    Files.write(bench.contextFolder().resolve("cut.tar"), Arrays.copyOf(CopyTest.tar(), 900));
    assertFailure("FROM scratch\nADD cut.tar /", FailureReason.StepFailed, "Dockerfile:2:1: tried");
  }

  @Test
  void unknownBuildArgumentsAreSaid() throws Exception {
    bench.request(r -> change(r, Map.of("NOBODY", "x", "https_proxy", "p")));

    bench.build("FROM scratch\nCOPY a.txt /");

    assertThat(bench.events)
        .filteredOn(BuildEvent.Warning.class::isInstance)
        .singleElement()
        .hasToString(
            "Warning[text=no ARG of the Dockerfile takes the build arguments NOBODY, problem=null]");
  }

  private void assertFailure(String dockerfile, FailureReason reason, String text) {
    BuildException failure =
        catchThrowableOfType(BuildException.class, () -> bench.build(dockerfile));
    assertThat(failure).as(dockerfile).isNotNull().hasMessageContaining(text);
    assertThat(failure.reason()).isEqualTo(reason);
  }

  private List<CacheResult> results() {
    return bench.events.stream()
        .filter(BuildEvent.Finished.class::isInstance)
        .map(e -> ((BuildEvent.Finished) e).cache())
        .filter(java.util.Objects::nonNull)
        .toList();
  }

  static BuildRequest change(BuildRequest r, Map<String, String> args) {
    return new BuildRequest(
        r.dockerfile(),
        null,
        r.context(),
        null,
        args,
        Map.of(),
        r.platform(),
        true,
        false,
        r.compression(),
        Map.of(),
        Map.of());
  }

  static BuildRequest target(BuildRequest r, String target) {
    return new BuildRequest(
        r.dockerfile(),
        null,
        r.context(),
        target,
        r.buildArgs(),
        Map.of(),
        r.platform(),
        true,
        false,
        r.compression(),
        Map.of(),
        Map.of());
  }

  private static BuildRequest withoutCache(BuildRequest r) {
    return new BuildRequest(
        r.dockerfile(),
        null,
        r.context(),
        null,
        Map.of(),
        Map.of(),
        r.platform(),
        false,
        false,
        r.compression(),
        Map.of(),
        Map.of());
  }
}
