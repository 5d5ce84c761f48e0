package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
    Trees.assumeRoot();
    store = LocalStore.open(dir.resolve("store"));
  }

  @AfterEach
  void close() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  @Test
  void whatAStepDidIsTheLayer() throws Exception {
    for (long seed = 1; seed <= Long.getLong("kiln.test.seeds", 30); seed++) {
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

  private Layer layer(LayerSource source) throws IOException {
    return store.layers().write(source, Compression.NONE);
  }

  private static Path path(Snapshots.Snapshot snapshot) {
    return ((RootSpec.Directory) snapshot.root()).path();
  }

  private List<String> changed(Snapshots.Snapshot snapshot) throws IOException {
    return store.layers().index(layer(snapshot.changes())).items().stream()
        .map(
            item ->
                switch (item) {
                  case LayerIndex.Item.Entry e -> e.meta().kind() + " " + e.meta().path();
                  case LayerIndex.Item.Whiteout w -> "WHITEOUT " + w.path();
                  case LayerIndex.Item.Opaque o -> "OPAQUE " + o.directory();
                })
        .toList();
  }

  @Test
  void aCommittedRootMovesOnAndOthersAreUnpackedAnew() throws Exception {
    Layer base = layer(s -> UnpackTest.file(s, "base", "1"));
    Layer above = layer(s -> UnpackTest.file(s, "above", "1"));
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"))) {
      Path first;
      Layer step;
      try (var snapshot = snapshots.prepare(List.of(base));
          var beside = snapshots.prepare(List.of(base))) {
        first = path(snapshot);
        assertThat(path(beside)).isNotEqualTo(first);
        Files.writeString(first.resolve("step"), "1");
        step = layer(snapshot.changes());
        snapshot.commit(step);
        assertThatThrownBy(snapshot::changes).isInstanceOf(IllegalStateException.class);
      }
      try (var other = snapshots.prepare(List.of(base));
          var next = snapshots.prepare(List.of(base, step, above));
          var late = snapshots.prepare(List.of(base, step, above))) {
        assertThat(path(other)).isNotEqualTo(first);
        assertThat(path(other).resolve("step")).doesNotExist();
        assertThat(path(next)).isEqualTo(first);
        assertThat(first.resolve("step")).exists();
        assertThat(first.resolve("above")).exists();
        assertThat(path(late)).isNotEqualTo(first);
        assertThat(changed(next)).isEmpty();
      }
      assertThat(first).as("not committed").doesNotExist();
    }
  }

  @Test
  void contentOfTheSameSizeAndTimeIsNoticedHoweverSoonItChanges() throws Exception {
    Layer base = layer(s -> UnpackTest.file(s, "f", "old"));
    for (int i = 0; i < 20; i++) {
      try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
          var snapshot = snapshots.prepare(List.of(base))) {
        Path file = path(snapshot).resolve("f");
        var time = Files.getLastModifiedTime(file);
        Files.writeString(file, "new", StandardOpenOption.WRITE);
        Files.setLastModifiedTime(file, time);
        assertThat(changed(snapshot)).containsExactly("FILE f");
      }
    }
  }

  @Test
  void whatTheSandboxProvidesIsNoChange() throws Exception {
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
        var snapshot = snapshots.prepare(List.of())) {
      Path root = path(snapshot);
      Files.writeString(root.resolve("etc/hosts"), "127.0.0.1 x");
      Files.createFile(root.resolve("dev/null"));
      assertThat(changed(snapshot)).isEmpty();
    }
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
        var snapshot = snapshots.prepare(List.of())) {
      Files.createFile(path(snapshot).resolve("etc/mine"));
      assertThat(changed(snapshot)).containsExactly("DIRECTORY etc", "FILE etc/mine");
    }
  }
}
