package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.context.InlineContext;
import build.kiln.runtime.layer.Compression;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a store has seen before never changes an image: only what is the same is taken from it. */
class CacheKeyTest {
  @TempDir Path folder;
  private BuildBench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private BuildRequest request(BuildRequest r, Map<String, String> args, Compression compression) {
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
        compression,
        Map.of(),
        Map.of());
  }

  @Test
  void aNameOfAnOwnerMeansWhatTheBaseSays() throws Exception {
    String dockerfile = "FROM scratch\nCOPY passwd /etc/passwd\nCOPY --link --chown=app f /f\n";
    bench.file("f", "f").file("passwd", "app:x:1001:1001::/:/bin/sh\n");
    assertThat(bench.build(dockerfile).files()).contains("0644 1001:1001 f \"f\"");
    bench.file("passwd", "app:x:1002:1002::/:/bin/sh\n");
    assertThat(bench.build(dockerfile).files()).contains("0644 1002:1002 f \"f\"");
  }

  @Test
  void namesOfOneFileAreNotTwoFiles() throws Exception {
    bench.file("d/a", "same").file("d/b", "same");
    Built copies = bench.build("FROM scratch\nCOPY d /d\n");
    Path second = bench.contextFolder().resolve("d/b");
    Files.delete(second);
    Files.createLink(second, bench.contextFolder().resolve("d/a"));
    Built links = bench.build("FROM scratch\nCOPY d /d\n");
    assertThat(links.layers().getFirst().diffId())
        .isNotEqualTo(copies.layers().getFirst().diffId());
    assertThat(bench.build("FROM scratch\nCOPY d /d\n").digest()).isEqualTo(links.digest());
  }

  @Test
  void theCompressionIsTheOneAskedFor() throws Exception {
    bench.file("f", "f");
    String dockerfile = "FROM scratch\nCOPY f /f\nWORKDIR /w\n";
    bench.build(dockerfile);
    bench.request(r -> request(r, Map.of(), new Compression(Compression.Type.ZSTD, 3)));
    assertThat(bench.build(dockerfile).layers())
        .hasSize(2)
        .allSatisfy(layer -> assertThat(layer.descriptor().mediaType()).endsWith("+zstd"));
  }

  @Test
  void changesBeforeTheFirstLayerHaveItsTime() throws Exception {
    bench.file("f", "f");
    String dockerfile = "FROM scratch\nARG X=1\nENV A=b\nLABEL x=y\nCOPY f /f\nCMD [\"c\"]\n";
    Built first = bench.build(dockerfile);
    Built second = bench.build(dockerfile);
    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(first.config().history()).extracting("created").doesNotContainNull();
    assertThat(bench.build("FROM scratch\nENV A=b\n").config().created()).isNotNull();
  }

  @Test
  void filesOfOneTimeAreNotTakenForFilesWithTheirOwn() throws Exception {
    bench.file("f", "f");
    String dockerfile = "FROM scratch\nCOPY f /f\n";
    var inline = InlineContext.of(List.of(new InlineFile("f", "f", 0644)), 0);
    Built alone = bench.build(dockerfile, inline);
    bench.freshStore();
    bench.build(dockerfile);
    Built afterwards = bench.build(dockerfile, inline);
    assertThat(afterwards.layers()).isEqualTo(alone.layers());
  }

  @Test
  void argumentsOfABaseStageKeepTheirOrder() throws Exception {
    String names = "P Q A Z M B Y C";
    String dockerfile =
        "FROM scratch AS a\nARG "
            + names.replace(" ", "=1 ")
            + "=1\nFROM a\nARG LAST\nCOPY f /f\nENV E=$P$Q$A$Z$M$B$Y$C\n";
    bench.file("f", "f");
    assertThat(bench.build(dockerfile).container().env()).contains("E=11111111");
  }

  @Test
  void aDefaultThatIsReplacedIsNotLookedAt() throws Exception {
    bench.request(r -> request(r, Map.of("B", "given", "X", "ok"), r.compression()));
    Built built =
        bench.build(
            """
            FROM scratch
            ARG B=$H C=${B:-none}
            ARG X=${Y:?required}
            LABEL c=$C x=$X
            """);
    assertThat(built.container().labels()).isEqualTo(Map.of("c", "given", "x", "ok"));
  }
}
