package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.oci.ImageConfig.ContainerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a build, and what explaining it, say of steps that are not in the cache. */
class MissReasonTest {
  private static final String ALL =
      """
      FROM scratch AS one
      ARG V=1
      ENV E=1
      COPY src /src
      WORKDIR /w/$V$E
      FROM scratch
      COPY --from=one /src /s
      """;

  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("src/a.js", "a").file("src/b.js", "b").file("src/d/c.js", "c");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  @FunctionalInterface
  interface Change {
    void in(MissReasonTest test) throws IOException;
  }

  private Path context(String path) {
    return bench.contextFolder().resolve(path);
  }

  private void arguments(Map<String, String> args) {
    bench.request(r -> BuildBench.with(r, args, true, false));
  }

  static Arguments change(String name, Change change, String dockerfile, String... reasons) {
    return Arguments.of(name, change, dockerfile, List.of(reasons));
  }

  /** Reasons in the order of the steps; {@code hit} for one that is in the cache. */
  static Stream<Arguments> changes() {
    return Stream.of(
        change("nothing", t -> {}, ALL, "hit", "hit", "hit"),
        change(
            "content",
            t -> t.bench.file("src/a.js", "2"),
            ALL,
            "content of src/a.js",
            "an earlier step: COPY src /src",
            "content of src/a.js"),
        change(
            "mode",
            t -> assertThat(t.context("src/b.js").toFile().setExecutable(true)).isTrue(),
            ALL,
            "mode of src/b.js",
            "an earlier step: COPY src /src",
            "mode of src/b.js"),
        change(
            "new and gone",
            t -> Files.move(t.context("src/d/c.js"), t.context("src/d/e.js")),
            ALL,
            "src/d/c.js is gone, src/d/e.js is new",
            "an earlier step: COPY src /src",
            "src/d/c.js is gone, src/d/e.js is new"),
        change(
            "kind",
            t -> {
              Files.delete(t.context("src/a.js"));
              Files.createSymbolicLink(t.context("src/a.js"), Path.of("b.js"));
            },
            ALL,
            "kind of src/a.js",
            "an earlier step: COPY src /src",
            "kind of src/a.js"),
        change(
            "many",
            t -> {
              for (int i = 0; i < 10; i++) {
                t.bench.file("src/new" + i, "x");
              }
            },
            ALL,
            "src/new0 is new, src/new1 is new, src/new2 is new and 7 more",
            "an earlier step: COPY src /src",
            "src/new0 is new, src/new1 is new, src/new2 is new and 7 more"),
        change(
            "argument", t -> t.arguments(Map.of("V", "2")), ALL, "hit", "build argument V", "hit"),
        change(
            "environment",
            t -> {},
            ALL.replace("ENV E=1", "ENV E=2"),
            "hit",
            "environment variable E",
            "hit"),
        change(
            "text",
            t -> {},
            ALL.replace("COPY src /src", "COPY src /src/"),
            "the instruction itself (was: COPY src /src)",
            "hit",
            "hit"),
        change(
            "another text",
            t -> {},
            ALL.replace("COPY src /src", "COPY src/d /src"),
            "the instruction itself (was: COPY src /src), src is gone, src/a.js is gone and 1 more",
            "an earlier step: COPY src/d /src",
            "src/a.js is gone, src/b.js is gone, src/c.js is new and 2 more"),
        change(
            "the base",
            t -> {},
            ALL.replaceFirst("scratch", "BASE2"),
            "the base is HOST/base:2, was scratch",
            "an earlier step: COPY src /src, the time of new directories",
            "hit"),
        change(
            "a step more at the end",
            t -> {},
            ALL + "COPY src/a.js /x\n",
            "hit",
            "hit",
            "hit",
            "first build of this step"),
        change(
            "the time",
            t -> t.arguments(Map.of("SOURCE_DATE_EPOCH", "1800000000")),
            ALL,
            "SOURCE_DATE_EPOCH",
            "an earlier step: COPY src /src, SOURCE_DATE_EPOCH, the time of new directories",
            "SOURCE_DATE_EPOCH"),
        change(
            "no cache",
            t -> t.bench.request(r -> BuildBench.with(r, Map.of(), false, false)),
            ALL,
            "the cache is off for this build",
            "the cache is off for this build",
            "the cache is off for this build"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void aMissSaysWhatChanged(String name, Change change, String dockerfile, List<String> reasons)
      throws Exception {
    String base = base("base:2", "x");
    bench.build(ALL);

    change.in(this);
    bench.build(dockerfile.replace("BASE2", base));

    assertThat(reasons())
        .containsExactlyInAnyOrderElementsOf(
            reasons.stream().map(r -> r.replace("HOST", bench.registry.host())).toList());
  }

  @Test
  void aNewBaseOfTheSameNameIsToldByItsDigests() throws Exception {
    String base = base("base:1", "one");
    String was = digest(base);
    bench.build("FROM " + base + "\nCOPY src /src\nWORKDIR /w");
    base("base:1", "two");
    bench.request(r -> BuildBench.with(r, Map.of(), true, true));

    bench.build("FROM " + base + "\nCOPY src /src\nWORKDIR /w");

    assertThat(reasons())
        .containsExactly(
            "base %s is %s…, was %s…"
                .formatted(base, digest(base).substring(0, 19), was.substring(0, 19)),
            "an earlier step: COPY src /src");
  }

  @Test
  void aLostLayerAndALostEntryAreTold() throws Exception {
    Built built = bench.build("FROM scratch\nCOPY src /src");
    Files.delete(bench.store().blobPath(built.result().layers().getFirst().digest()));
    bench.build("FROM scratch\nCOPY src /src");
    assertThat(reasons()).containsExactly("the layer is gone from the cache");

    Path cache = bench.store().root().resolve("cache");
    try (var records = Files.newDirectoryStream(cache)) {
      for (Path record : records) {
        if (Files.readString(record).contains("\"layer\"")) {
          Files.delete(record);
        }
      }
    }
    bench.build("FROM scratch\nCOPY src /src");
    assertThat(reasons()).containsExactly("the entry is gone from the cache");
  }

  @Test
  void theNearestEarlierBuildIsTheOneComparedWith() throws Exception {
    bench.build(ALL);
    bench.file("src/a.js", "2").file("src/b.js", "2");
    bench.build(ALL);
    bench.file("src/a.js", "a").file("src/b.js", "3");

    bench.build(ALL);

    assertThat(reasons()).contains("content of src/b.js");
  }

  @Test
  void whatAnotherBuildHadAtThisPlaceIsNoEarlierStep() throws Exception {
    bench.build("FROM scratch\nCOPY src/a.js /x", StepCache.local(bench.store(), "one"));

    bench.build("FROM scratch\nCOPY src/b.js /x", StepCache.local(bench.store(), "two"));

    assertThat(reasons()).containsExactly("first build of this step");
  }

  @Test
  void noValueOfAnArgumentIsWrittenDown() throws Exception {
    arguments(Map.of("V", "s3cr3t-value"));
    bench.build("FROM scratch\nARG V\nENV E=$V\nWORKDIR /w\nCOPY src /src/$V$E");

    try (var records = Files.newDirectoryStream(bench.store().root().resolve("cache"))) {
      for (Path record : records) {
        assertThat(Files.readString(record)).doesNotContain("s3cr3t");
      }
    }
  }

  @Test
  void explainingTellsHitsAndMissesAndDoesNothing() throws Exception {
    bench.build(ALL);
    bench.file("src/a.js", "2");
    long before = files(bench.store().root());

    bench.explain(ALL, StepCache.local(bench.store(), ""));

    assertThat(reasons())
        .containsExactlyInAnyOrder(
            "content of src/a.js",
            "an earlier step: COPY src /src",
            "an earlier step: COPY src /src");
    assertThat(files(bench.store().root())).isEqualTo(before);
    bench.explain(ALL.replace("src /src", "src/d /d"), StepCache.local(bench.store(), ""));
    assertThat(reasons()).hasSize(3).doesNotContain("hit");
    bench.file("src/a.js", "a");
    bench.explain(ALL, StepCache.local(bench.store(), ""));
    assertThat(reasons()).containsExactly("hit", "hit", "hit");
  }

  @Test
  void linkedCopiesAreExplainedAfterAMissToo() throws Exception {
    String dockerfile = "FROM scratch\nCOPY src/a.js /a\nCOPY --link src/b.js /b\nWORKDIR /w";
    bench.build(dockerfile);
    bench.file("src/a.js", "2");

    bench.explain(dockerfile, StepCache.local(bench.store(), ""));

    assertThat(reasons())
        .containsExactly("content of src/a.js", "hit", "an earlier step: COPY src/a.js /a");
  }

  private static long files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).count();
    }
  }

  private String base(String name, String content) throws IOException {
    return bench.base(
        name,
        sink -> {
          sink.add(EntryMeta.directory("etc", 0755, 0, 0, 1));
          BuildBench.text(sink, "etc/base", content);
        },
        ContainerConfig.empty());
  }

  private String digest(String name) throws IOException {
    return bench
        .client
        .head(build.kiln.runtime.oci.Reference.parse(name))
        .orElseThrow()
        .digest()
        .toString();
  }

  private List<String> reasons() {
    return bench.events.stream()
        .filter(BuildEvent.Finished.class::isInstance)
        .map(BuildEvent.Finished.class::cast)
        .filter(end -> end.cache() != null)
        .map(
            end ->
                end.cache() == CacheResult.Hit
                    ? "hit"
                    : Optional.ofNullable(end.missReason()).orElse("no reason"))
        .toList();
  }
}
