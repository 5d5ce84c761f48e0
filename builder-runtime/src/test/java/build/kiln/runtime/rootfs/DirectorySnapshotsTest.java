package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectorySnapshotsTest {
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

  @Test
  void whatAStepDidIsTheLayer() throws Exception {
    for (long seed = 1; seed <= Long.getLong("kiln.test.seeds", 60); seed++) {
      List<Layer> layers = OverlaySnapshotsTest.randomLayers(store, seed, 3);
      try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"))) {
        for (int step = 0; step < 3; step++) {
          try (var snapshot = snapshots.prepare(layers)) {
            Path root = ((RootSpec.Directory) snapshot.root()).path();
            Trees.assertSame(
                "unpacked " + seed + " step " + step,
                Trees.of(root),
                Trees.of(ImageTree.of(store.layers(), layers)));
            if (step == 0) {
              var nothing = store.layers().write(snapshot.changes(), Compression.NONE);
              assertThat(store.layers().index(nothing).items()).isEmpty();
              continue;
            }
            RandomChanges.run(root, seed * 100 + step);
            Layer layer = store.layers().write(snapshot.changes(), Compression.NONE);
            assertThat(store.layers().write(snapshot.changes(), Compression.NONE)).isEqualTo(layer);
            layers = new ArrayList<>(layers);
            layers.add(layer);
            Trees.assertSame(
                "seed " + seed + " step " + step,
                Trees.of(ImageTree.of(store.layers(), layers)),
                Trees.of(root));
            snapshot.commit(layer);
            assertThat(root).exists();
          }
        }
      }
      assertThat(dir.resolve("s")).doesNotExist();
    }
  }
}
