package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.RandomTrees;
import build.kiln.runtime.rootfs.Mounts.Way;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OverlaySnapshotsTest {
  /** More find more; each costs some seconds. */
  private static final long SEEDS = Long.getLong("kiln.test.seeds", 3);

  @TempDir Path dir;
  private LocalStore store;

  @BeforeEach
  void open() throws IOException {
    store = LocalStore.open(dir.resolve("store"));
  }

  @AfterEach
  void close() throws IOException {
    store.close();
  }

  /** Layers of which the later remove some of what the earlier have. */
  static List<Layer> randomLayers(LocalStore store, long seed, int count) throws IOException {
    var layers = new ArrayList<Layer>();
    var paths = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      Layer layer =
          store.layers().write(RandomTrees.layer(seed * 10 + i, List.copyOf(paths)), Compression.ZSTD);
      layers.add(layer);
      for (LayerIndex.Item item : store.layers().index(layer).items()) {
        if (item instanceof LayerIndex.Item.Entry e && !e.meta().path().isEmpty()) {
          paths.add(e.meta().path());
        }
      }
    }
    return layers;
  }

  @ParameterizedTest
  @EnumSource
  void whatAStepDidIsTheLayer(Way way) throws Exception {
    String missing = Mounts.missing(way, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    for (long seed = 1; seed <= SEEDS; seed++) {
      List<Layer> layers = randomLayers(store, seed, 3);
      try (var snapshots =
          Snapshots.overlay(store.layers(), dir.resolve("s"), way.userXattr)) {
        for (int step = 0; step < 2; step++) {
          Map<String, String> changed;
          try (var snapshot = snapshots.prepare(layers)) {
            var root = (RootSpec.Overlay) snapshot.root();
            if (step == 0) {
              Trees.assertSame(
                  "unpacked " + seed,
                  Mounts.view(way, root, 0, dir),
                  Trees.of(ImageTree.of(store.layers(), layers)));
              var nothing = store.layers().write(snapshot.changes(), Compression.NONE);
              assertThat(store.layers().index(nothing).items()).isEmpty();
            }
            Mounts.view(way, root, seed * 100 + step, dir);
            // By a mount of its own: the first may show linked files as two inodes.
            changed = Mounts.view(way, root, 0, dir);
            Layer layer = store.layers().write(snapshot.changes(), Compression.NONE);
            assertThat(store.layers().write(snapshot.changes(), Compression.NONE)).isEqualTo(layer);
            layers = new ArrayList<>(layers);
            layers.add(layer);
            snapshot.commit(layer);
          }
          Trees.assertSame(
              "seed " + seed + " step " + step,
              Trees.of(ImageTree.of(store.layers(), layers)),
              changed);
        }
      }
      assertThat(dir.resolve("s")).doesNotExist();
    }
  }
}
