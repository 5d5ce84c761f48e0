package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.Mounts.Way;
import build.kiln.runtime.store.CacheEviction;
import build.kiln.runtime.store.CacheEviction.Wish;
import build.kiln.runtime.store.CacheUnit;
import build.kiln.runtime.store.CacheUnit.Kind;
import build.kiln.runtime.store.KeptLayers;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreUsage;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Layers that stay unpacked in the local store. */
@Timeout(120)
class KeptSnapshotsTest {
  private static final Wish ALL = new Wish(true, null, null, null);
  private static final OverlayMarks MARKS = OverlayMarks.of(true);
  private static final long SEEDS = Long.getLong("kiln.test.seeds", 4);

  @TempDir Path dir;
  private LocalStore store;

  @BeforeEach
  void open() throws IOException {
    Trees.assumeRoot();
    store = LocalStore.open(dir.resolve("store"));
    assumeTrue(store.layers().kept(MARKS.prefix()).isPresent(), "this file system keeps no layers");
  }

  @AfterEach
  void close() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private void reopen() throws IOException {
    store.close();
    store = LocalStore.open(dir.resolve("store"));
  }

  private Snapshots snapshots() throws IOException {
    return Snapshots.overlay(store.layers(), dir.resolve("s"), true);
  }

  private Layer layer(int files) throws IOException {
    return store
        .layers()
        .write(
            sink -> {
              for (int i = 0; i < files; i++) {
                UnpackTest.file(sink, "d" + i % 10 + "/f" + i, "content " + i);
              }
            },
            Compression.ZSTD);
  }

  /** Makes a root and gives it up. */
  private List<Path> use(List<Layer> layers) throws IOException {
    try (var snapshots = snapshots();
        var snapshot = snapshots.prepare(layers)) {
      return ((RootSpec.Overlay) snapshot.root()).lowers();
    }
  }

  private Path kept(Layer layer) throws IOException {
    KeptLayers.Tree tree = store.layers().unpacked(layer, MARKS.prefix()).orElseThrow();
    return tree.folder().resolve(tree.path());
  }

  private void deleteBlobs(List<Layer> layers) throws IOException {
    for (Layer layer : layers) {
      Files.deleteIfExists(store.blobPath(layer.descriptor().digest()));
    }
  }

  @Test
  void theNextBuildUnpacksNothing() throws Exception {
    List<Layer> layers = OverlaySnapshotsTest.randomLayers(store, 3, 4);
    List<Path> lowers = use(layers);
    Map<String, String> before = Trees.of(kept(layers.getFirst()));
    reopen();
    deleteBlobs(layers);

    try (var snapshots = snapshots()) {
      assertThat(snapshots.missing(layers)).isEmpty();
    }
    List<Path> again = use(layers);

    assertThat(again.subList(0, 4)).containsExactlyInAnyOrderElementsOf(lowers.subList(0, 4));
    Trees.assertSame("kept", Trees.of(kept(layers.getFirst())), before);
  }

  /** What directories are like that the upper layer only implies, is told by the lower's index. */
  @Test
  void aLayerThatLostItsIndexIsAskedForAgain() throws Exception {
    Layer lower =
        store
            .layers()
            .write(sink -> sink.add(EntryMeta.directory("tmp", 01777, 0, 0, 1)), Compression.NONE);
    Layer upper =
        store.layers().write(sink -> UnpackTest.file(sink, "tmp/x", "1"), Compression.NONE);
    List<Layer> layers = List.of(lower, upper);
    use(layers);
    reopen();
    Path indexes = dir.resolve("store/index");
    try (Stream<Path> all = Files.list(indexes)) {
      for (Path index : all.toList()) {
        Files.delete(index);
      }
    }
    byte[] blob = Files.readAllBytes(store.blobPath(lower.diffId()));
    deleteBlobs(layers);

    try (var snapshots = snapshots()) {
      assertThat(snapshots.missing(layers)).isEqualTo(layers);
      store.put(lower.descriptor(), new ByteArrayInputStream(blob));
      store.layers().index(lower);
      assertThat(snapshots.missing(layers)).containsExactly(upper);
    }
  }

  /** As on disk, but for what overlay itself remembers of what it copied. */
  private static Map<String, String> onDisk(Path root) throws IOException {
    Map<String, String> lines = new TreeMap<>();
    Trees.of(root)
        .forEach(
            (path, line) -> {
              // The root's own metadata are the layer's only where it describes them.
              lines.put(path, path.isEmpty() ? "" : withoutMarks(line));
            });
    return lines;
  }

  private static String withoutMarks(String line) {
    // When something was removed is not told by its mark.
    return line.replaceAll("^(CHARACTER_DEVICE 0 0:0 )[0-9.]+ ", "$1")
        .replaceAll(" user\\.overlay\\.(origin|impure|uuid)=[0-9a-f]*", "");
  }

  @Test
  void whatAStepLeftIsWhatUnpackingItsLayerGives() throws Exception {
    Way way = Way.USER_XATTR;
    String missing = Mounts.missing(way, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    List<String> scripts =
        List.of(
            "mkdir -p new/in && touch new/in/x && chmod 700 new && mkdir etc/mine",
            "rm -rf a && mkdir a && touch a/n",
            "python3 -c 'import socket; socket.socket(1).bind(\"a/s\")' || true",
            "rm a/b/f && python3 -c 'import socket; socket.socket(1).bind(\"a/b/f\")' || true",
            "touch a/x && rm a/x; chmod 755 d; chown 0:0 d",
            "mkdir -p p/q/r && rm -r p/q && mkdir -p p/q/z",
            "chmod 6755 a/b/f; setfattr -n security.capability -v"
                + " 0x0100000200040000000000000000000000000000 a/b/f; setfattr -n"
                + " system.posix_acl_access -v"
                + " 0x0200000001000600ffffffff02000700e803000004000400ffffffff10000700ffffffff20000400ffffffff"
                + " d; chmod 1771 d/g; chown 7:8 d",
            "ln a/b/f a/b/h; setfattr -n user.mine -v 1 d; mkfifo fifo; ln -s fifo link",
            "chmod 711 .; mknod gone c 0 0 2>/dev/null || true; rm -f gone");
    List<Layer> base = base();
    for (String script : scripts) {
      assertKeptIsExact(base, script, root -> Mounts.script(way, root, script, dir));
    }
    for (long seed = 1; seed <= SEEDS; seed++) {
      List<Layer> layers = OverlaySnapshotsTest.randomLayers(store, seed, 3);
      long changes = seed;
      assertKeptIsExact(layers, "seed " + seed, root -> Mounts.view(way, root, changes, dir));
    }
  }

  private List<Layer> base() throws IOException {
    return List.of(
        store
            .layers()
            .write(
                sink -> {
                  UnpackTest.dir(sink, "a");
                  UnpackTest.dir(sink, "a/b");
                  UnpackTest.file(sink, "a/b/f", "1");
                  UnpackTest.dir(sink, "d");
                  UnpackTest.file(sink, "d/g", "2");
                },
                Compression.NONE));
  }

  /** What a step does. */
  private interface Step {
    void run(RootSpec.Overlay root) throws Exception;
  }

  private void assertKeptIsExact(List<Layer> layers, String what, Step step) throws Exception {
    Layer layer;
    try (var snapshots = snapshots();
        var snapshot = snapshots.prepare(layers)) {
      step.run((RootSpec.Overlay) snapshot.root());
      snapshot.stepEnded();
      layer = store.layers().write(snapshot.changes(), Compression.NONE);
      snapshot.commit(layer);
    }
    Path fresh = Files.createTempDirectory(dir, "fresh");
    LayerUnpacker.Result result;
    try (var handle = DirectoryHandle.open(fresh)) {
      result = LayerUnpacker.unpack(store.layers(), layer, handle, new Form.Lower(MARKS));
    }
    Trees.assertSame(what, onDisk(kept(layer)), onDisk(fresh));
    var facts =
        UnpackedLayer.Facts.of(
            store.layers().unpacked(layer, MARKS.prefix()).orElseThrow().about());
    assertThat(facts.rootDescribed()).as(what).isEqualTo(result.facts().rootDescribed());
    assertThat(facts.implied()).as(what).isEqualTo(result.facts().implied());
    assertThat(facts.removing())
        .as(what)
        .containsExactlyInAnyOrderElementsOf(result.facts().removing());
    if (facts.rootDescribed()) {
      assertThat(withoutMarks(String.valueOf(Trees.of(kept(layer)).get(""))))
          .as(what)
          .isEqualTo(Trees.of(fresh).get(""));
    }
  }

  @Test
  void aLayerWithOtherTimesThanTheStepLeftIsUnpacked() throws Exception {
    List<Layer> base = base();
    Layer other = store.layers().write(sink -> UnpackTest.file(sink, "new", "x"), Compression.NONE);
    try (var snapshots = snapshots()) {
      try (var snapshot = snapshots.prepare(base)) {
        Path upper = ((RootSpec.Overlay) snapshot.root()).upper();
        Files.writeString(upper.resolve("new"), "x");
        snapshot.commitAltered(other);
      }
      try (var next = snapshots.prepare(List.of(base.getFirst(), other))) {
        Path top = ((RootSpec.Overlay) next.root()).lowers().getFirst();
        assertThat(Files.getLastModifiedTime(top.resolve("new")).toMillis()).isLessThan(10_000);
      }
    }
  }

  @Test
  void anUnreadStepCannotBeKept() throws Exception {
    try (var snapshots = snapshots();
        var snapshot = snapshots.prepare(base())) {
      assertThatThrownBy(() -> snapshot.commit(base().getFirst()))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private static String firstLine(Process process) throws IOException {
    return new BufferedReader(process.inputReader(StandardCharsets.UTF_8)).readLine();
  }

  @Test
  void twoProcessesUnpackALayerOnce() throws Exception {
    Layer layer = layer(2000);
    Process one = UnpackingProcess.start(dir.resolve("store"), dir.resolve("s1"), layer);
    Process two = UnpackingProcess.start(dir.resolve("store"), dir.resolve("s2"), layer);
    var lowers = new HashSet<String>();
    for (Process process : List.of(one, two)) {
      lowers.add(firstLine(process));
    }
    assertThat(lowers).containsExactly(kept(layer).toString());
    // While they use it nobody takes it away.
    try (var other = LocalStore.open(dir.resolve("store"))) {
      assertThat(unpacked(new CacheEviction(other).run(ALL).removed())).isEmpty();
    }
    for (Process process : List.of(one, two)) {
      process.getOutputStream().close();
      assertThat(process.waitFor()).isZero();
    }
    assertThat(entries()).hasSize(1);
  }

  @Test
  void whatIsHalfUnpackedIsNoLayer() throws Exception {
    Layer layer = layer(20_000);
    Path tmp = dir.resolve("store/tmp");
    Process process = UnpackingProcess.start(dir.resolve("store"), dir.resolve("s1"), layer);
    Awaitility.await()
        .pollInterval(Duration.ofMillis(1))
        .until(() -> count(tmp, "f[0-9]+") > 10 || !process.isAlive());
    process.destroyForcibly().waitFor();
    assertThat(entries()).as("it was killed before it was done").isEmpty();
    assertThat(count(tmp, "f[0-9]+")).isPositive();

    reopen();

    assertThat(count(tmp, "f[0-9]+")).as("what the dead left").isZero();
    use(List.of(layer));
    assertThat(count(kept(layer), "f[0-9]+")).isEqualTo(20_000);
  }

  private static long count(Path folder, String name) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> String.valueOf(file.getFileName()).matches(name)).count();
    } catch (IOException | java.io.UncheckedIOException changesMeanwhile) {
      return 0;
    }
  }

  /** The directories of layers. */
  private List<Path> entries() throws IOException {
    Path unpacked = dir.resolve("store/unpacked");
    if (!Files.isDirectory(unpacked)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(unpacked, 2)) {
      return all.filter(p -> p.getNameCount() == unpacked.getNameCount() + 2)
          .filter(p -> !p.toString().endsWith(".lock"))
          .collect(Collectors.toList());
    }
  }

  /** Done to what is kept. */
  private interface Damage {
    void run() throws Exception;
  }

  @Test
  void whatIsNotAsItWasPutThereIsUnpackedAnew() throws Exception {
    Layer layer = layer(10);
    use(List.of(layer));
    Path entry = kept(layer).resolveSibling(".").normalize();
    Map<String, String> good = Trees.of(kept(layer));
    List<Damage> damages =
        List.of(
            () -> Files.delete(entry.resolve("about")),
            () -> Files.writeString(entry.resolve("about"), "x"),
            () -> Files.delete(entry.resolve("layer/d0/f0")),
            () -> {
              run("cp", "-a", entry + "/layer", entry + "/copy");
              run("rm", "-r", entry + "/layer");
              run("mv", entry + "/copy", entry + "/layer");
            },
            () -> run("rm", "-r", entry + "/layer"),
            () -> {
              run("rm", "-r", entry.toString());
              Files.writeString(entry, "a file");
            });
    for (Damage damage : damages) {
      reopen();
      damage.run();
      if (Files.exists(entry.resolve("layer")) && Files.exists(entry.resolve("about"))) {
        // A directory that lost something is told by its time only at the top; elsewhere nobody
        // may write.
        Files.createFile(entry.resolve("layer/x"));
        Files.delete(entry.resolve("layer/x"));
      }
      use(List.of(layer));
      Trees.assertSame("unpacked anew", Trees.of(kept(layer)), good);
    }
    assertThat(entries()).hasSize(1);
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  @Test
  void onlyItsOwnerGetsThere() throws Exception {
    use(List.of(layer(1)));
    assertThat(Files.getPosixFilePermissions(dir.resolve("store/unpacked"))).hasSize(3);
  }

  /** Waits until what happens is dated later than this file, by a clock that ticks. */
  private void tick(Path file) {
    Path probe = dir.resolve("probe");
    Awaitility.await()
        .pollInterval(Duration.ofMillis(1))
        .until(
            () -> {
              Files.writeString(probe, "");
              FileTime change = (FileTime) Files.getAttribute(file, "unix:ctime");
              return Files.getLastModifiedTime(probe).compareTo(change) > 0;
            });
  }

  private static List<CacheUnit> unpacked(List<CacheUnit> units) {
    return units.stream().filter(unit -> unit.kind() == Kind.UNPACKED).toList();
  }

  @Test
  void itGoesWithTheRestOfTheCache() throws Exception {
    Layer layer = layer(10);
    use(List.of(layer));
    StoreUsage.Row usage = StoreUsage.of(store).cache();
    assertThat(unpacked(new CacheEviction(store).run(ALL).removed())).as("in use").isEmpty();
    Path entry = kept(layer).resolveSibling(".").normalize();
    tick(entry.resolve("about"));
    reopen();
    assertThat(StoreUsage.of(store).cache().size()).isEqualTo(usage.size());
    // Somebody died while removing another one.
    Path left = entry.resolveSibling(entry.getFileName() + "~left");
    run("cp", "-a", entry.toString(), left.toString());
    tick(left);
    reopen();

    List<CacheUnit> removed = unpacked(new CacheEviction(store).run(ALL).removed());

    assertThat(removed).hasSize(2).allMatch(unit -> unit.size() == 90);
    assertThat(entries()).isEmpty();
    assertThat(StoreUsage.of(store).cache().total()).isZero();
  }

  @Test
  void whatIsYoungStays() throws Exception {
    Layer old = layer(10);
    Layer young = layer(11);
    use(List.of(old));
    use(List.of(young));
    Path about = kept(old).resolveSibling("about");
    reopen();
    Files.setLastModifiedTime(about, FileTime.fromMillis(System.currentTimeMillis() - 9_000_000));

    var wish =
        new Wish(true, FileTime.fromMillis(System.currentTimeMillis() - 3_600_000), null, null);
    assertThat(unpacked(new CacheEviction(store).run(wish).removed())).hasSize(1);

    assertThat(kept(young)).exists();
  }

  @Test
  void whatWasKeptBeforeTheMachineStartedGoes() throws Exception {
    use(List.of(layer(3)));
    Path form = entries().getFirst().resolveSibling(".").normalize();
    Path earlier = form.resolveSibling("0123456789abcdef-0123456789abcdef");
    run("cp", "-a", form.toString(), earlier.toString());
    assertThat(use(List.of(layer(3))).getFirst()).exists();
    assertThat(earlier).as("not while somebody waits for a build").exists();

    reopen();

    assertThat(earlier).doesNotExist();
    assertThat(entries()).hasSize(1);
  }

  @Test
  void rootsThatAreDirectoriesLeaveItAlone() throws Exception {
    List<Layer> layers = base();
    use(layers);
    Map<String, String> before = Trees.of(kept(layers.getFirst()));
    try (var plain = Snapshots.directories(store.layers(), dir.resolve("d"));
        var snapshot = plain.prepare(layers)) {
      Path root = ((RootSpec.Directory) snapshot.root()).path();
      Files.writeString(root.resolve("a/b/f"), "changed");
      Files.delete(root.resolve("d/g"));
      snapshot.commit(store.layers().write(snapshot.changes(), Compression.NONE));
    }
    Trees.assertSame("kept", Trees.of(kept(layers.getFirst())), before);
  }

  @Test
  void asManyLayersAsTheKernelTakes() throws Exception {
    String missing = Mounts.missing(Way.USER_XATTR, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < 500; i++) {
      String path = "d" + i % 7 + "/f" + i;
      layers.add(store.layers().write(s -> UnpackTest.file(s, path, path), Compression.NONE));
    }
    for (int again = 0; again < 2; again++) {
      try (var snapshots = snapshots();
          var snapshot = snapshots.prepare(layers)) {
        Trees.assertSame(
            "500 layers",
            Mounts.view(Way.USER_XATTR, (RootSpec.Overlay) snapshot.root(), 0, dir),
            Trees.of(ImageTree.of(store.layers(), layers)));
      }
    }
  }
}
