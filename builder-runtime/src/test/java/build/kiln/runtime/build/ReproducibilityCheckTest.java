package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.runtime.context.InlineContext;
import build.kiln.runtime.context.LocalContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Building twice, without RUN. */
class ReproducibilityCheckTest {
  private static final String COPIES =
      "FROM scratch AS s\nCOPY a.txt /x/\nFROM scratch\nENV A=b\nCOPY --from=s / /\nWORKDIR /w";

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
  void filesOfACommitAreAlwaysTheSame() throws Exception {
    var files = InlineContext.of(List.of(new InlineFile("a.txt", "text", 0644)));
    var context = new CommittedContext(files, 1700000000);

    assertThat(bench.difference(COPIES, context, () -> {})).isEmpty();
  }

  @Test
  void aFolderAtADeskNeedsATime() throws Exception {
    try (var context = LocalContext.open(bench.contextFolder())) {
      ImageDifference moment = bench.difference(COPIES, context, () -> {}).orElseThrow();
      assertThat(moment.where()).isEqualTo("the configuration");
      assertThat(moment.path()).isEqualTo("/created");
      assertThat(moment.times()).isTrue();
      assertThat(moment.text()).contains("--build-arg SOURCE_DATE_EPOCH=");

      bench.request(r -> BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
      assertThat(bench.difference(COPIES, context, () -> {})).isEmpty();
    }
  }

  /** What the first build found in the cache is compared too. */
  @Test
  void aFileThatChangesIsNamedWithItsLayer() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    bench.build(COPIES);
    try (var context = LocalContext.open(bench.contextFolder())) {
      Optional<ImageDifference> changed =
          bench.difference(
              COPIES,
              context,
              () -> Files.writeString(bench.contextFolder().resolve("a.txt"), "b"));

      assertThat(changed.map(ImageDifference::text))
          .hasValue(
              "two builds differ in layer 1 of 2, made by COPY / /: /x/a.txt\n  content: differs from byte 1 on");
    }
    assertThat(bench.events)
        .anyMatch(e -> e instanceof BuildEvent.Failed f && f.message().contains("/x/a.txt"));
  }

  @Test
  void layersMoreOrLessAndOtherFieldsAreTold() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000")));
    BuildBench.Built one = bench.build("FROM scratch\nENV A=b\nCOPY a.txt /");
    BuildBench.Built other = bench.build("FROM scratch\nENV A=c\nCOPY a.txt /");
    BuildBench.Built more = bench.build("FROM scratch\nENV A=b\nCOPY a.txt /\nWORKDIR /w");

    assertThat(difference(one, other).text())
        .isEqualTo(
            "two builds differ in the configuration: /config/Env/1\n  first build \"A=b\", second build \"A=c\"");
    assertThat(difference(one, more).text())
        .isEqualTo("two builds differ in the number of layers\n  first build 1, second build 2");
    bench.request(
        r -> {
          BuildRequest changed = BuilderTest.change(r, Map.of("SOURCE_DATE_EPOCH", "1700000000"));
          return BuildBench.annotated(changed, Map.of("k", "v"));
        });
    BuildBench.Built annotated = bench.build("FROM scratch\nENV A=b\nCOPY a.txt /");
    assertThat(difference(one, annotated).text())
        .startsWith("two builds differ in the manifest: /annotations\n");
  }

  private ImageDifference difference(BuildBench.Built one, BuildBench.Built other)
      throws IOException {
    return new ImageComparison(bench.store(), one.result(), other.result()).find().orElseThrow();
  }

  @Test
  void theSecondBuildLeavesNothingInTheCacheAndWarnsOnce() throws Exception {
    bench.request(r -> BuilderTest.change(r, Map.of("X", "unused")));
    try (var context = LocalContext.open(bench.contextFolder())) {
      bench.difference(COPIES, context, () -> {});
    }
    assertThat(bench.events).filteredOn(BuildEvent.Warning.class::isInstance).hasSize(1);
    String created = bench.build(COPIES).config().created();

    assertThat(bench.lastStepCached()).isTrue();
    assertThat(created).startsWith("2026-01-02T");
  }
}
