package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.Mounts.Way;
import build.kiln.runtime.rootfs.TreeIndex.ChangeTime;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A layer, unpacked, and what it changed made a layer again: the same bytes. With random trees of
 * all that a layer can hold, in both forms that a root has.
 */
@Timeout(300)
class RoundTripTest {
  private static final long SEEDS = Long.getLong("kiln.test.seeds", 4);

  @TempDir Path dir;
  private LocalStore store;
  private int number;

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

  /** Of the users' namespaces one is enough: who unpacks is not in it. */
  @ParameterizedTest
  @EnumSource(names = {"TRUSTED", "USER_XATTR"})
  void ofAnOverlay(Way way) throws Exception {
    String missing = Mounts.missing(way, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    int marks = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      List<Layer> layers = OverlaySnapshotsTest.randomLayers(store, seed, 3);
      try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), way.userXattr);
          var snapshot = snapshots.prepare(layers)) {
        var root = (RootSpec.Overlay) snapshot.root();
        EntryMeta before = meta(root.upper());
        Mounts.view(way, root, seed * 100, dir);
        Layer step = store.layers().write(snapshot.changes(), Compression.NONE);

        assertSame("seed " + seed, again(way, step, root, before), step);

        // What others wrote, without parents and in another order, comes to one form as well.
        var below = new RootSpec.Overlay(below(way, root, layers), root.upper(), root.work(), true);
        Layer normal = again(way, layers.getLast(), below, before);
        assertSame("seed " + seed, again(way, normal, below, before), normal);
        marks += marks(normal) + marks(step);
      }
    }
    assertThat(marks).as("whiteouts and opaque directories").isGreaterThan(5);
  }

  /** What lies below the topmost layer. */
  private List<Path> below(Way way, RootSpec.Overlay root, List<Layer> layers) throws IOException {
    List<Path> below = new ArrayList<>();
    for (Layer layer : layers.subList(0, layers.size() - 1).reversed()) {
      var tree = store.layers().unpacked(layer, OverlayMarks.of(way.userXattr).prefix());
      assumeTrue(tree.isPresent(), "this file system keeps no layers");
      below.add(tree.get().folder().resolve(tree.get().path()));
    }
    below.add(root.lowers().getLast());
    return below;
  }

  /** The same bytes; if not, the entries tell why. */
  private void assertSame(String what, Layer actual, Layer expected) throws IOException {
    assertThat(lines(actual)).as(what).isEqualTo(lines(expected));
    assertThat(actual).as(what).isEqualTo(expected);
  }

  private List<String> lines(Layer layer) throws IOException {
    List<String> lines = new ArrayList<>();
    for (LayerIndex.Item item : store.layers().index(layer).items()) {
      lines.add(
          item instanceof LayerIndex.Item.Entry entry ? Trees.line(entry.meta()) : item.toString());
    }
    return lines;
  }

  private long marks(Layer layer) throws IOException {
    return store.layers().index(layer).items().stream()
        .filter(item -> !(item instanceof LayerIndex.Item.Entry))
        .count();
  }

  private static EntryMeta meta(Path directory) throws IOException {
    try (var handle = DirectoryHandle.open(directory)) {
      return new EntryReader((path, xattrs) -> new TreeMap<>()).directory("", handle);
    }
  }

  /** The layer as it is made of what unpacking it gives. */
  private Layer again(Way way, Layer layer, RootSpec.Overlay root, EntryMeta rootBefore)
      throws IOException {
    OverlayMarks marks = OverlayMarks.of(way.userXattr);
    String name = "fresh" + number++;
    Files.createDirectory(dir.resolve(name));
    try (var workspace = DirectoryHandle.open(dir);
        var fresh = workspace.openDirectory(name);
        var top = DirectoryHandle.open(Path.of("/"))) {
      var form = new Form.Lower(marks);
      LayerUnpacker.Result result = LayerUnpacker.unpack(store.layers(), layer, fresh, form);
      assertThat(result.whole()).isTrue();
      if (!result.facts().rootDescribed()) {
        MetaWriter.apply(fresh, rootBefore, form);
      }
      List<Place> lowers =
          root.lowers().stream()
              .map(lower -> new Place(top, Path.of("/"), lower.toString().substring(1)))
              .toList();
      var changes = new UpperChanges(workspace, name, marks, lowers, rootBefore, surplus -> {});
      return store.layers().write(changes, Compression.NONE);
    }
  }

  @Test
  void ofADirectory() throws Exception {
    long marks = 0;
    for (long seed = 1; seed <= 4 * SEEDS; seed++) {
      List<Layer> layers = OverlaySnapshotsTest.randomLayers(store, seed, 3);
      Layer step;
      try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
          var snapshot = snapshots.prepare(layers)) {
        RandomChanges.run(((RootSpec.Directory) snapshot.root()).path(), seed * 100);
        step = store.layers().write(snapshot.changes(), Compression.NONE);
      }

      assertSame("seed " + seed, again(layers, step), step);

      Layer normal = again(layers.subList(0, 2), layers.getLast());
      assertSame("seed " + seed, again(layers.subList(0, 2), normal), normal);
      Trees.assertSame(
          "seed " + seed,
          Trees.of(ImageTree.of(store.layers(), List.of(layers.get(0), layers.get(1), normal))),
          Trees.of(ImageTree.of(store.layers(), layers)));
      marks += marks(step) + marks(normal);
    }
    assertThat(marks).as("whiteouts").isGreaterThan(5);
  }

  /** The layer as it is made of what unpacking it changes in a directory of these layers. */
  private Layer again(List<Layer> below, Layer layer) throws IOException {
    Path root = Files.createDirectory(dir.resolve("merged" + number++));
    try (var handle = DirectoryHandle.open(root)) {
      for (Layer lower : below) {
        LayerUnpacker.unpack(store.layers(), lower, handle, new Form.Merged());
      }
      TreeIndex before = TreeIndex.scan(handle);
      awaitTickAfter(before.latestChange());
      var facts = LayerUnpacker.unpack(store.layers(), layer, handle, new Form.Merged()).facts();
      TreeIndex after = TreeIndex.scan(handle);
      // The root's times are set back by who unpacks, which is a change of its status.
      TreeIndex from =
          facts.rootDescribed()
              ? before
              : new TreeIndex(after.status(), before.names(), before.entries());
      return store
          .layers()
          .write(sink -> TreeChanges.write(handle, from, after, sink), Compression.NONE);
    }
  }

  private void awaitTickAfter(ChangeTime latest) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(1))
        .until(
            () -> {
              Path probe = Files.createFile(dir.resolve("probe" + number++));
              try (var handle = DirectoryHandle.open(dir)) {
                String name = Objects.requireNonNull(probe.getFileName()).toString();
                return ChangeTime.of(handle.status(name)).compareTo(latest) > 0;
              }
            });
  }
}
