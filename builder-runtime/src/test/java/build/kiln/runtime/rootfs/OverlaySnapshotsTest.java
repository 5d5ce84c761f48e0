package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.RandomTrees;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.Mounts.Way;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class OverlaySnapshotsTest {
  /** More find more; each costs some seconds. */
  private static final long SEEDS = Long.getLong("kiln.test.seeds", 3);

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

  /** Layers of which the later remove some of what the earlier have. */
  static List<Layer> randomLayers(LocalStore store, long seed, int count) throws IOException {
    var layers = new ArrayList<Layer>();
    var paths = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      Layer layer =
          store
              .layers()
              .write(RandomTrees.layer(seed * 10 + i, List.copyOf(paths)), Compression.ZSTD);
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
      try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), way.userXattr)) {
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

  private List<String> changesAfter(Way way, List<Layer> layers, String script) throws Exception {
    String missing = Mounts.missing(way, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), way.userXattr);
        var snapshot = snapshots.prepare(layers)) {
      Mounts.script(way, (RootSpec.Overlay) snapshot.root(), script, dir);
      Layer layer = store.layers().write(snapshot.changes(), Compression.NONE);
      return store.layers().index(layer).items().stream().map(OverlaySnapshotsTest::line).toList();
    }
  }

  private static String line(LayerIndex.Item item) {
    return switch (item) {
      case LayerIndex.Item.Entry e ->
          e.meta().kind()
              + " "
              + e.meta().path()
              + (e.meta().linkTarget() == null ? "" : " -> " + e.meta().linkTarget())
              + e.meta().xattrs().keySet().stream().map(" "::concat).collect(Collectors.joining());
      case LayerIndex.Item.Whiteout w -> "WHITEOUT " + w.path();
      case LayerIndex.Item.Opaque o -> "OPAQUE " + o.directory();
    };
  }

  private List<Layer> base() throws IOException {
    return List.of(
        store
            .layers()
            .write(
                s -> {
                  UnpackTest.dir(s, "a");
                  UnpackTest.dir(s, "a/b");
                  UnpackTest.file(s, "a/b/f", "1");
                  UnpackTest.file(s, "a/b/g", "1");
                  UnpackTest.dir(s, "d");
                  UnpackTest.file(s, "d/old", "1");
                  UnpackTest.dir(s, "e");
                  UnpackTest.file(s, "e/old", "1");
                },
                Compression.NONE));
  }

  static List<Arguments> steps() {
    return List.of(
        Arguments.of("cat a/b/f; ls -lR . >/dev/null; test ! -e nothing", List.of()),
        Arguments.of("true > etc/hosts; echo x >> etc/resolv.conf; echo > dev/x", List.of()),
        Arguments.of("chmod 600 a/b/f", List.of("DIRECTORY a", "DIRECTORY a/b", "FILE a/b/f")),
        Arguments.of(
            "touch -d @9 a/b/f; ln a/b/f a/b/h",
            List.of("DIRECTORY a", "DIRECTORY a/b", "FILE a/b/f", "HARDLINK a/b/h -> a/b/f")),
        // The directory's time has changed.
        Arguments.of("touch d/x; rm d/x", List.of("DIRECTORY d")),
        Arguments.of("touch x; rm x", List.of("DIRECTORY ")),
        Arguments.of("rm a/b/f", List.of("DIRECTORY a", "DIRECTORY a/b", "WHITEOUT a/b/f")),
        Arguments.of("rm -r a", List.of("DIRECTORY ", "WHITEOUT a")),
        Arguments.of(
            "mkdir -p new/in; touch new/in/x; mkdir etc/mine",
            List.of(
                "DIRECTORY ",
                "DIRECTORY etc",
                "DIRECTORY etc/mine",
                "DIRECTORY new",
                "DIRECTORY new/in",
                "FILE new/in/x")),
        Arguments.of(
            "rm -r d; mkdir d; touch d/n",
            List.of("DIRECTORY ", "DIRECTORY d", "OPAQUE d", "FILE d/n")),
        Arguments.of("rm -r d; touch d", List.of("DIRECTORY ", "FILE d")),
        Arguments.of(
            "rm -r d; touch d; rm d; mkdir d", List.of("DIRECTORY ", "DIRECTORY d", "OPAQUE d")),
        Arguments.of(
            "rm a/b/f; mkdir a/b/f; touch a/b/f/x",
            List.of("DIRECTORY a", "DIRECTORY a/b", "DIRECTORY a/b/f", "FILE a/b/f/x")),
        Arguments.of("setfattr -n user.mine -v 1 d", List.of("DIRECTORY d user.mine")),
        Arguments.of("chmod 700 .", List.of("DIRECTORY ")),
        Arguments.of("chmod 700 .; chmod 755 .", List.of()),
        Arguments.of(
            "mkfifo p; python3 -c 'import socket; socket.socket(1).bind(\"s\")' || touch s; rm s",
            List.of("DIRECTORY ", "FIFO p")));
  }

  @ParameterizedTest
  @MethodSource("steps")
  void layersHaveWhatChangedAndItsParents(String script, List<String> expected) throws Exception {
    for (Way way : List.of(Way.TRUSTED, Way.USER_XATTR)) {
      assertThat(changesAfter(way, base(), script)).as("%s", way).isEqualTo(expected);
    }
  }

  @Test
  void aStepMaySetAttributesThatLookLikeOverlays() throws Exception {
    List<String> changes =
        changesAfter(
            Way.USER_XATTR, base(), "setfattr -n user.overlay.opaque -v y d || touch refused");
    assumeTrue(!changes.contains("FILE refused"), "kernels before 6.7 do not nest overlays");
    assertThat(changes).containsExactly("DIRECTORY d user.overlay.opaque");
  }

  @Test
  void mountsThatHideContentAreRefused() throws Exception {
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), true);
        var snapshot = snapshots.prepare(base())) {
      Path upper = ((RootSpec.Overlay) snapshot.root()).upper();
      Files.createDirectory(upper.resolve("moved"));
      try (var handle = DirectoryHandle.open(upper)) {
        handle.setXattr("moved", "user.overlay.redirect", "/d".getBytes(StandardCharsets.UTF_8));
      }
      assertThatThrownBy(() -> store.layers().write(snapshot.changes(), Compression.NONE))
          .isInstanceOfSatisfying(
              RootfsException.class,
              e -> assertThat(e.code()).isEqualTo(RootfsException.Code.UNSUPPORTED_MOUNT))
          .hasMessageContaining("redirect_dir=off");
    }
  }

  @Test
  void threeHundredLayersMount() throws Exception {
    String missing = Mounts.missing(Way.USER_XATTR, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < 300; i++) {
      String path = "d" + i % 7 + "/f" + i;
      layers.add(store.layers().write(s -> UnpackTest.file(s, path, path), Compression.NONE));
    }
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), true);
        var snapshot = snapshots.prepare(layers)) {
      Trees.assertSame(
          "300 layers",
          Mounts.view(Way.USER_XATTR, (RootSpec.Overlay) snapshot.root(), 0, dir),
          Trees.withEtc(Trees.of(ImageTree.of(store.layers(), layers))));
    }
  }

  @Test
  void aLayerIsUnpackedOnceForAllWhoWantIt() throws Exception {
    List<Layer> layers = randomLayers(store, 5, 4);
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), true);
        var threads = Executors.newFixedThreadPool(8)) {
      var tasks = new ArrayList<Callable<RootSpec.Overlay>>();
      for (int i = 0; i < 16; i++) {
        tasks.add(() -> (RootSpec.Overlay) snapshots.prepare(layers).root());
      }
      var lowers = new HashSet<List<Path>>();
      var uppers = new HashSet<Path>();
      for (var root : threads.invokeAll(tasks)) {
        lowers.add(root.get().lowers());
        uppers.add(root.get().upper());
      }
      assertThat(lowers).hasSize(1);
      assertThat(uppers).hasSize(16);
    }
  }

  @Test
  void aCommittedStepIsNotUnpacked() throws Exception {
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), true)) {
      List<Layer> layers = base();
      Layer layer;
      try (var snapshot = snapshots.prepare(layers)) {
        Path upper = ((RootSpec.Overlay) snapshot.root()).upper();
        Files.writeString(upper.resolve("new"), "x");
        Files.createDirectories(upper.resolve("dev/left"));
        layer = store.layers().write(snapshot.changes(), Compression.NONE);
        snapshot.commit(layer);
        assertThatThrownBy(snapshot::changes).isInstanceOf(IllegalStateException.class);
      }
      // Without its blob it could not be unpacked.
      Files.delete(store.blobPath(layer.descriptor().digest()));
      var both = new ArrayList<>(layers);
      both.add(layer);
      try (var next = snapshots.prepare(both)) {
        Path top = ((RootSpec.Overlay) next.root()).lowers().getFirst();
        assertThat(top.resolve("new")).hasContent("x");
        assertThat(top.resolve("dev")).doesNotExist();
      }
    }
  }
}
