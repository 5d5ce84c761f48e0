package build.kiln.runtime.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LayerIndexTest {
  static List<String> describe(LayerIndex index) {
    var lines = new ArrayList<String>();
    for (var item : index.items()) {
      lines.add(
          switch (item) {
            case LayerIndex.Item.Entry e -> Tars.describe(e.meta()) + " " + e.extents();
            case LayerIndex.Item.Whiteout w -> "whiteout " + w.path();
            case LayerIndex.Item.Opaque o -> "opaque " + o.directory();
          });
    }
    lines.add("size " + index.tarSize());
    new TreeMap<>(index.small()).forEach((k, v) -> lines.add(k + "=" + Tars.crc(v)));
    return lines;
  }

  private static LayerIndex of(byte[] tar) throws Exception {
    return TarReader.ofIndexedLayer(new ByteArrayInputStream(tar), "test").index();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void fileFormKeepsEverything(long seed, @TempDir Path dir) throws Exception {
    LayerIndex index = of(Tars.write(RandomTrees.layer(seed)));
    Path file = Files.write(dir.resolve("index"), index.toBytes());
    LayerIndex loaded = LayerIndex.load(file).orElseThrow();
    assertThat(describe(loaded)).isEqualTo(describe(index)).hasSizeGreaterThan(5);
    assertThat(loaded.toBytes()).isEqualTo(index.toBytes());
  }

  @Test
  void brokenOrMissingFilesAreEmpty(@TempDir Path dir) throws Exception {
    byte[] good = of(Tars.write(RandomTrees.layer(1))).toBytes();
    Path file = dir.resolve("index");
    assertThat(LayerIndex.load(file)).isEmpty();
    for (int length : new int[] {0, 3, 18, 19, 20, 30, good.length - 1}) {
      Files.write(file, Arrays.copyOf(good, length));
      assertThat(LayerIndex.load(file)).as("cut at %s", length).isEmpty();
    }
    for (int at = 0; at < good.length; at += 7) {
      byte[] bad = good.clone();
      bad[at] ^= 4;
      Files.write(file, bad);
      assertThat(LayerIndex.load(file)).as("damaged at %s", at).isEmpty();
    }
    Files.write(file, "kiln-layer-index-0\nof an old version".getBytes(StandardCharsets.UTF_8));
    assertThat(LayerIndex.load(file)).isEmpty();
  }

  @Test
  void keepsTheContentOfAccountFiles() throws Exception {
    byte[] accounts = "root:x:0:0::/:/bin/sh\n".getBytes(StandardCharsets.UTF_8);
    byte[] tar =
        Tars.write(
            sink -> {
              sink.add(
                  EntryMeta.file("etc/passwd", 0644, 0, 0, 0, accounts.length),
                  new ByteArrayInputStream(accounts));
              sink.add(
                  EntryMeta.file("etc/group", 0644, 0, 0, 0, LayerIndex.MAX_SMALL + 1),
                  new ByteArrayInputStream(new byte[LayerIndex.MAX_SMALL + 1]));
            });
    var small = of(tar).small();
    assertThat(small).containsOnlyKeys("etc/passwd");
    assertThat(small.get("etc/passwd")).isEqualTo(accounts);
  }

  @Test
  void theSizeIsAllOfTheStreamWithWhatFollowsTheEnd() throws Exception {
    byte[] tar = Tars.write(RandomTrees.layer(1));
    assertThat(of(Arrays.copyOf(tar, tar.length + 9000)).tarSize()).isEqualTo(tar.length + 9000);
  }
}
