package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.LayerSource.Sink;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Layers as no honest tool writes them, and what is hard to keep of those that are honest. */
class UnpackTest {
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

  private List<Layer> layers(LayerSource... sources) throws IOException {
    var layers = new ArrayList<Layer>();
    for (LayerSource source : sources) {
      layers.add(store.layers().write(source, Compression.NONE));
    }
    return layers;
  }

  static void file(Sink sink, String path, String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    sink.add(EntryMeta.file(path, 0644, 0, 0, 3, bytes.length), new ByteArrayInputStream(bytes));
  }

  static void dir(Sink sink, String path) throws IOException {
    sink.add(EntryMeta.directory(path, 0750, 1, 2, 4));
  }

  static void link(Sink sink, String path, String target) throws IOException {
    sink.add(EntryMeta.symlink(path, target, 0, 0, 0));
  }

  static void hardLink(Sink sink, String path, String target) throws IOException {
    sink.add(EntryMeta.file(path, 0, 0, 0, 0, 0).asHardLinkTo(target));
  }

  private static EntryMeta with(EntryMeta m, Kind kind, SortedMap<String, byte[]> xattrs) {
    return new EntryMeta(
        m.path(),
        kind,
        m.mode(),
        m.uid(),
        m.gid(),
        m.mtimeSeconds(),
        m.mtimeNanos(),
        m.size(),
        m.linkTarget(),
        0,
        0,
        xattrs,
        0);
  }

  /** Layers whose unpacked form must be what {@link ImageTree} says. */
  static List<Arguments> twisted() {
    return List.of(
        image(
            "parents are links of the layer",
            s -> {
              dir(s, "real");
              link(s, "abs", "/real");
              link(s, "up", "../../../../real");
              link(s, "deep", "abs/new");
              file(s, "abs/a", "1");
              file(s, "up/b", "2");
              file(s, "deep/c", "3");
              dir(s, "real");
            }),
        image(
            "a link of a lower layer is no way",
            s -> {
              dir(s, "real");
              link(s, "way", "real");
              link(s, "out", "/etc");
            },
            s -> {
              file(s, "way/x", "1");
              file(s, "out/kiln-test-evil", "1");
            }),
        image(
            "a link to outside, then through it",
            s -> {
              link(s, "out", "/../../tmp");
              file(s, "out/kiln-test-evil", "1");
              link(s, "l1", "..");
              link(s, "l2", "l1/..");
              file(s, "l2/in-root", "1");
            }),
        image(
            "hard links to links and through links",
            s -> {
              link(s, "passwd", "/etc/passwd");
              hardLink(s, "also", "passwd");
              file(s, "d/f", "1");
              link(s, "e", "d");
              hardLink(s, "g", "e/f");
              hardLink(s, "g", "g");
            }),
        image(
            "a hard link in place of the directory that holds the file",
            s -> {
              file(s, "d/f", "1");
              hardLink(s, "d", "d/f");
            }),
        image(
            "a file replaces a directory and back",
            s -> {
              dir(s, "d");
              file(s, "d/old", "1");
              file(s, "f", "1");
            },
            s -> {
              file(s, "d", "2");
              dir(s, "d");
              file(s, "d/new", "2");
              dir(s, "f");
              file(s, "f/new", "2");
              file(s, "f", "3");
            }),
        image(
            "entries twice",
            s -> {
              file(s, "a", "first");
              hardLink(s, "b", "a");
              file(s, "a", "second");
              link(s, "c", "x");
              link(s, "c", "y");
              dir(s, "e");
              s.add(EntryMeta.directory("e", 0700, 7, 7, 7));
            }),
        image(
            "whiteouts before and after what they concern",
            s -> {
              file(s, "d/old", "1");
              file(s, "d/sub/old", "1");
              file(s, "e/old", "1");
              file(s, "o/old", "1");
              file(s, "o/sub/old", "1");
              file(s, "gone/x", "1");
            },
            s -> {
              file(s, "d/new", "2");
              file(s, "d/sub/new", "2");
              s.whiteout("d");
              s.whiteout("e");
              file(s, "e/new", "2");
              file(s, "o/sub/new", "2");
              s.opaque("o");
              file(s, "o/late/new", "2");
              s.whiteout("gone");
              s.whiteout("gone/x");
              s.whiteout("never/there");
              file(s, "w", "2");
              s.whiteout("w/below");
            }),
        image(
            "directories that no entry describes",
            s -> {
              s.add(EntryMeta.directory("", 0711, 3, 3, 9));
              s.add(EntryMeta.directory("tmp", 01777, 5, 6, 7));
              s.add(EntryMeta.directory("a", 0700, 5, 6, 7));
            },
            s -> {
              file(s, "tmp/x", "1");
              file(s, "a/b/c", "1");
            },
            s -> s.add(EntryMeta.directory("a", 0501, 1, 1, 1)),
            s -> file(s, "a/b/d", "1")),
        image(
            "an opaque root",
            s -> file(s, "old", "1"),
            s -> {
              s.opaque("");
              file(s, "new", "1");
            },
            s -> file(s, "more", "1")),
        image(
            "overlay's own names",
            s -> {
              var xattrs = new TreeMap<String, byte[]>();
              xattrs.put("user.overlay.opaque", new byte[] {'y'});
              xattrs.put("user.overlay.redirect", "/x".getBytes(StandardCharsets.UTF_8));
              dir(s, "x");
              file(s, "x/f", "1");
              dir(s, "o");
              file(s, "o/seen", "1");
            },
            s -> {
              var xattrs = new TreeMap<String, byte[]>();
              xattrs.put("user.overlay.opaque", new byte[] {'y'});
              xattrs.put("user.overlay.redirect", "/x".getBytes(StandardCharsets.UTF_8));
              s.add(with(EntryMeta.directory("o", 0755, 0, 0, 0), Kind.DIRECTORY, xattrs));
              s.add(
                  with(EntryMeta.file("x", 0, 0, 0, 0, 0), Kind.CHARACTER_DEVICE, new TreeMap<>()));
            }));
  }

  private static Arguments image(String name, LayerSource... layers) {
    return Arguments.of(name, layers);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("twisted")
  void directoriesAreWhatTheIndexesSay(String name, LayerSource[] sources) throws Exception {
    List<Layer> layers = layers(sources);
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
        var snapshot = snapshots.prepare(layers)) {
      Trees.assertSame(
          name,
          Trees.of(((RootSpec.Directory) snapshot.root()).path()),
          Trees.withEtc(Trees.of(ImageTree.of(store.layers(), layers))));
    }
    assertThat(Path.of("/tmp/kiln-test-evil")).doesNotExist();
    assertThat(Path.of("/etc/kiln-test-evil")).doesNotExist();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("twisted")
  void overlaysAreWhatTheIndexesSay(String name, LayerSource[] sources) throws Exception {
    var way = Mounts.Way.USER_XATTR;
    String missing = Mounts.missing(way, Files.createDirectories(dir.resolve("probe")));
    assumeTrue(missing.isEmpty(), missing);
    List<Layer> layers = layers(sources);
    try (var snapshots = Snapshots.overlay(store.layers(), dir.resolve("s"), true);
        var snapshot = snapshots.prepare(layers)) {
      Trees.assertSame(
          name,
          Mounts.view(way, (RootSpec.Overlay) snapshot.root(), 0, dir),
          Trees.withEtc(Trees.of(ImageTree.of(store.layers(), layers))));
    }
    assertThat(Path.of("/tmp/kiln-test-evil")).doesNotExist();
    assertThat(Path.of("/etc/kiln-test-evil")).doesNotExist();
  }

  private Path unpacked(Snapshots.Snapshot snapshot) {
    return ((RootSpec.Directory) snapshot.root()).path();
  }

  @Test
  void keepsHolesDeepPathsNamesAndTimes() throws Exception {
    long size = 64L << 30;
    String deep = "d/".repeat(2000) + "d";
    var layers =
        layers(
            s -> {
              byte[] name = {'n', (byte) 0xff, '\n'};
              file(s, build.kiln.runtime.posix.Names.decode(name), "x");
              file(s, deep + "/" + "f".repeat(90), "x");
              file(s, "long/" + ("x".repeat(250) + "/").repeat(16) + "f", "x");
              s.add(EntryMeta.directory("t", 02755, 0, 0, -5).withMtime(-5, 999_999_999));
              s.add(EntryMeta.file("t/setuid", 06755, 12, 34, 1, 0).withMtime(1, 1));
            });
    Path sparse = sparseTar(size);
    Layer holes;
    try (InputStream in = Files.newInputStream(sparse)) {
      Descriptor blob = Descriptor.ofBytes(MediaTypes.OCI_LAYER, Files.readAllBytes(sparse));
      store.put(blob, in);
      holes = new Layer(blob, blob.digest());
    }
    layers.add(holes);
    try (var snapshots = Snapshots.directories(store.layers(), dir.resolve("s"));
        var snapshot = snapshots.prepare(layers)) {
      Path root = unpacked(snapshot);
      assertThat(Files.size(root.resolve("sparse"))).isEqualTo(size);
      try (var handle = DirectoryHandle.open(root);
          var t = handle.openDirectory("t");
          var file = Files.newByteChannel(root.resolve("sparse"))) {
        assertThat(handle.status("t").mtimeSeconds()).isEqualTo(-5);
        assertThat(handle.status("t").mtimeNanos()).isEqualTo(999_999_999);
        assertThat(handle.status("t").mode()).isEqualTo(02755);
        assertThat(t.status("setuid").mode()).isEqualTo(06755);
        assertThat(t.status("setuid").uid()).isEqualTo(12);
        var tail = java.nio.ByteBuffer.allocate(4);
        file.position(size - 4).read(tail);
        assertThat(tail.array()).asString().isEqualTo("tail");
      }
      assertThat(diskUsage(root.resolve("sparse"))).isLessThan(1 << 20);
      Files.delete(root.resolve("sparse"));
      assertThat(Trees.of(root)).containsKey(deep + "/" + "f".repeat(90));
    }
  }

  private static long diskUsage(Path file) throws Exception {
    var du = new ProcessBuilder("du", "-k", file.toString()).start();
    return Long.parseLong(
            new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\t")[0])
        * 1024;
  }

  /** Made by tar, which knows how holes are written. */
  private Path sparseTar(long size) throws Exception {
    Path folder = Files.createDirectories(dir.resolve("holes"));
    try (var file = new java.io.RandomAccessFile(folder.resolve("sparse").toFile(), "rw")) {
      file.seek(size - 4);
      file.writeBytes("tail");
    }
    Path tar = dir.resolve("sparse.tar");
    var process =
        new ProcessBuilder("tar", "-S", "-cf", tar.toString(), "-C", folder.toString(), "sparse")
            .start();
    assertThat(process.waitFor()).isZero();
    Files.delete(folder.resolve("sparse"));
    return tar;
  }

  @Test
  void aHundredThousandFilesInOneDirectoryTakeTimeInProportion() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/dev/shm")), "needs a tmpfs, disks are too slow");
    Path folder = Files.createTempDirectory(Path.of("/dev/shm"), "kiln");
    try {
      long few = timeOf(folder, 10_000);
      long many = timeOf(folder, 100_000);
      assertThat(many).as("10,000 files take %d ms", few / 1_000_000).isLessThan(40 * few);
    } finally {
      Files.deleteIfExists(folder);
    }
  }

  private long timeOf(Path folder, int count) throws IOException {
    var layers =
        layers(
            s -> {
              for (int i = 0; i < count; i++) {
                s.add(EntryMeta.file("many/f" + i, 0644, 0, 0, 0, 0));
              }
            });
    long start = System.nanoTime();
    try (var snapshots = Snapshots.overlay(store.layers(), folder.resolve("s"), false)) {
      snapshots.prepare(layers);
      return System.nanoTime() - start;
    }
  }

  @Test
  void aLayerThatIsNotItsDiffIdIsNotUsed() throws Exception {
    Layer good = layers(s -> file(s, "f", "1")).getFirst();
    Layer other = layers(s -> file(s, "f", "2")).getFirst();
    var wrong = new Layer(good.descriptor(), other.diffId());
    for (Snapshots snapshots :
        List.of(
            Snapshots.overlay(store.layers(), dir.resolve("o"), true),
            Snapshots.directories(store.layers(), dir.resolve("d")))) {
      try (snapshots) {
        assertThatThrownBy(() -> snapshots.prepare(List.of(wrong)))
            .isInstanceOfSatisfying(
                LayerException.class,
                e -> assertThat(e.code()).isEqualTo(LayerException.Code.DIGEST_MISMATCH));
        assertThat(names(dir.resolve("o"))).containsAnyOf("0").doesNotContain("1", "1~");
        snapshots.prepare(List.of(good)).close();
      }
    }
  }

  private static List<String> names(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return List.of("0");
    }
    try (var files = Files.list(directory)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }

  @Test
  void closingRemovesEverythingWhateverItsModeAndOwner() throws Exception {
    var layers =
        layers(
            s -> {
              s.add(EntryMeta.directory("locked", 0, 4_000_000, 5, 0));
              s.add(EntryMeta.file("locked/f", 0, 77, 77, 0, 0));
              file(s, "d/".repeat(1500) + "f", "x");
            });
    Path existing = Files.createDirectory(dir.resolve("existing"));
    for (Path path : List.of(existing, dir.resolve("made"))) {
      try (var overlay = Snapshots.overlay(store.layers(), path.resolve("o"), true);
          var plain = Snapshots.directories(store.layers(), path.resolve("p"))) {
        overlay.prepare(layers);
        plain.prepare(layers);
      }
    }
    assertThat(names(existing)).isEmpty();
    try (OutputStream out = Files.newOutputStream(existing.resolve("mine"))) {
      out.write(1);
    }
    assertThatThrownBy(() -> Snapshots.overlay(store.layers(), existing, true))
        .isInstanceOfSatisfying(
            RootfsException.class,
            e -> assertThat(e.code()).isEqualTo(RootfsException.Code.NOT_EMPTY))
        .hasMessageContaining(existing.toString());
    assertThat(existing.resolve("mine")).exists();
  }
}
