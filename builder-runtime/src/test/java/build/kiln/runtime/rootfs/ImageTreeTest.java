package build.kiln.runtime.rootfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.LayerSource.Sink;
import build.kiln.runtime.posix.Names;
import build.kiln.runtime.store.LocalStore;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ImageTreeTest {
  @TempDir Path dir;
  private LocalStore store;

  @BeforeEach
  void open() throws IOException {
    store = LocalStore.open(dir);
  }

  @AfterEach
  void close() throws IOException {
    store.close();
  }

  private ImageTree tree(LayerSource... sources) throws IOException {
    var layers = new ArrayList<Layer>();
    for (LayerSource source : sources) {
      layers.add(store.layers().write(source, Compression.ZSTD));
    }
    return ImageTree.of(store.layers(), layers);
  }

  private static void file(Sink sink, String path, String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    sink.add(EntryMeta.file(path, 0644, 1, 2, 3, bytes.length), new ByteArrayInputStream(bytes));
  }

  private static void dir(Sink sink, String path, int mode) throws IOException {
    sink.add(EntryMeta.directory(path, mode, 0, 0, 0));
  }

  private static void link(Sink sink, String path, String target) throws IOException {
    sink.add(EntryMeta.symlink(path, target, 0, 0, 0));
  }

  /** All paths with their content or kind, in order. */
  private static List<String> all(ImageTree tree) throws IOException {
    var lines = new ArrayList<String>();
    walk(tree, "", lines);
    return lines;
  }

  private static void walk(ImageTree tree, String path, List<String> lines) throws IOException {
    for (EntryMeta m : tree.children(path)) {
      assertThat(tree.lookup(m.path())).contains(m);
      lines.add(
          switch (m.kind()) {
            case FILE -> {
              try (InputStream in = tree.open(m)) {
                yield m.path() + "=" + new String(in.readAllBytes(), StandardCharsets.UTF_8);
              }
            }
            case DIRECTORY -> m.path() + "/" + Integer.toOctalString(m.mode());
            case SYMLINK -> m.path() + "->" + m.linkTarget();
            default -> m.path() + " " + m.kind();
          });
      walk(tree, m.path(), lines);
    }
  }

  @Test
  void scratchHasARootAndNothingElse() throws Exception {
    ImageTree tree = tree();
    assertThat(tree.lookup("").orElseThrow().kind()).isEqualTo(Kind.DIRECTORY);
    assertThat(tree.children("")).isEmpty();
    assertThat(tree.lookup("etc")).isEmpty();
    assertThat(tree.resolve("/a/../b/c")).isEqualTo(new Resolved("", "b/c"));
    assertThat(tree.readSmall("/etc/passwd", 10)).isEmpty();
  }

  @Test
  void upperLayersReplaceRemoveAndHide() throws Exception {
    ImageTree tree =
        tree(
            s -> {
              dir(s, "", 0711);
              dir(s, "keep", 0700);
              file(s, "keep/a", "1");
              file(s, "keep/b", "1");
              dir(s, "hidden", 0755);
              file(s, "hidden/old", "1");
              dir(s, "gone", 0755);
              file(s, "gone/x", "1");
              dir(s, "todir", 0755);
              file(s, "tofile", "1");
              link(s, "tolink", "keep");
              dir(s, "again", 0755);
              file(s, "again/old", "1");
            },
            s -> {
              dir(s, "keep", 0770);
              file(s, "keep/b", "2");
              s.whiteout("keep/nothing");
              file(s, "hidden/new", "2");
              s.opaque("hidden");
              s.whiteout("gone");
              file(s, "todir", "2");
              dir(s, "tofile", 0755);
              file(s, "tofile/in", "2");
              file(s, "tolink", "2");
              s.whiteout("again");
              dir(s, "again", 0755);
              file(s, "again/new", "2");
            });
    assertThat(all(tree))
        .containsExactly(
            "again/755",
            "again/new=2",
            "hidden/755",
            "hidden/new=2",
            "keep/770",
            "keep/a=1",
            "keep/b=2",
            "todir=2",
            "tofile/755",
            "tofile/in=2",
            "tolink=2");
    assertThat(tree.lookup("").orElseThrow().mode()).isEqualTo(0711);
  }

  @Test
  void whiteoutsConcernLowerLayersOnlyWhereverTheyStand() throws Exception {
    ImageTree tree =
        tree(
            s -> {
              file(s, "f", "1");
              dir(s, "d", 0755);
              file(s, "d/old", "1");
            },
            s -> {
              file(s, "f", "2");
              s.whiteout("f");
              dir(s, "d", 0755);
              file(s, "d/new", "2");
              s.whiteout("d");
            });
    assertThat(all(tree)).containsExactly("d/755", "d/new=2", "f=2");
  }

  @Test
  void anOpaqueRootHidesAllLowerLayers() throws Exception {
    ImageTree tree = tree(s -> file(s, "old", "1"), s -> s.opaque(""), s -> file(s, "new", "3"));
    assertThat(all(tree)).containsExactly("new=3");
  }

  @Test
  void directoriesWithoutAnEntryKeepWhatLowerLayersSay() throws Exception {
    ImageTree tree = tree(s -> dir(s, "a", 01777), s -> file(s, "a/b/c", "2"));
    assertThat(all(tree)).containsExactly("a/1777", "a/b/755", "a/b/c=2");
  }

  @Test
  void linksOfTheLayerLeadItsEntriesAndThoseOfLowerLayersAreReplaced() throws Exception {
    ImageTree tree =
        tree(
            s -> {
              dir(s, "usr", 0755);
              link(s, "bin", "usr/bin");
              link(s, "lib", "/../usr/lib");
              file(s, "bin/sh", "1");
              file(s, "lib/x", "1");
            },
            s -> file(s, "bin/new", "2"));
    assertThat(all(tree))
        .containsExactly(
            "bin/755",
            "bin/new=2",
            "lib->/../usr/lib",
            "usr/755",
            "usr/bin/755",
            "usr/bin/sh=1",
            "usr/lib/755",
            "usr/lib/x=1");
  }

  @Test
  void hardLinksAreFilesOfOneId() throws Exception {
    ImageTree tree =
        tree(
            s -> {
              file(s, "a", "one");
              s.add(EntryMeta.file("d/b", 0, 0, 0, 0, 0).asHardLinkTo("a"));
              link(s, "l", "a");
              s.add(EntryMeta.file("hl", 0, 0, 0, 0, 0).asHardLinkTo("l"));
              file(s, "other", "two");
            },
            s -> file(s, "a", "new"));
    var b = tree.lookup("d/b").orElseThrow();
    assertThat(b.kind()).isEqualTo(Kind.FILE);
    assertThat(b.mode()).isEqualTo(0644);
    assertThat(b.size()).isEqualTo(3);
    assertThat(b.linkId()).isNotZero();
    assertThat(tree.lookup("a").orElseThrow().linkId()).as("replaced").isZero();
    assertThat(tree.lookup("other").orElseThrow().linkId()).isZero();
    assertThat(tree.lookup("l").orElseThrow().linkId())
        .isEqualTo(tree.lookup("hl").orElseThrow().linkId())
        .isNotEqualTo(b.linkId());
    assertThat(all(tree))
        .containsExactly("a=new", "d/755", "d/b=one", "hl->a", "l->a", "other=two");
  }

  @Test
  void childrenAreInTheOrderOfTheirBytes() throws Exception {
    String notUtf8 = Names.decode(new byte[] {(byte) 0x80});
    String astral = "\ud83d\ude80";
    String high = "\uffee";
    ImageTree tree =
        tree(
            s -> {
              for (String name : List.of(astral, high, notUtf8, "b", "a-", "a", "\u00e4")) {
                file(s, name, "x");
              }
            });
    assertThat(tree.children(""))
        .extracting(EntryMeta::path)
        .containsExactly("a", "a-", "b", notUtf8, "\u00e4", high, astral);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "/, '', ''",
    "'', '', ''",
    "usr/bin, usr/bin, ''",
    "/bin/sh, usr/bin/sh, ''",
    "/bin/, usr/bin, ''",
    "bin/nope/x, usr/bin, nope/x",
    "/../../bin, usr/bin, ''",
    "bin/../lib, usr, lib",
    "abs/sh, usr/bin/sh, ''",
    "out, etc, ''",
    "chain, usr/bin, ''",
    "dangling/x, usr, no/such/x",
    "nope/../usr, usr, ''",
    "nope/../../usr/./bin, usr/bin, ''",
    "usr/bin/sh/x, usr/bin/sh, x",
    "up, '', ''",
  })
  void resolvesAsInAChroot(String path, String real, String missing) throws Exception {
    ImageTree tree =
        tree(
            s -> {
              dir(s, "etc", 0755);
              file(s, "usr/bin/sh", "x");
              link(s, "bin", "usr/bin");
              link(s, "abs", "/bin");
              link(s, "out", "../../../etc");
              link(s, "chain", "abs/../bin");
              link(s, "dangling", "usr/no/such");
              link(s, "usr/deep", "../../..");
              link(s, "up", "usr/deep");
            });
    assertThat(tree.resolve(path)).isEqualTo(new Resolved(real, missing));
  }

  @Test
  void linkLoopsAreErrorsThatNameTheLink() throws Exception {
    ImageTree tree =
        tree(
            s -> {
              link(s, "a", "b");
              link(s, "b", "a");
            });
    assertThatThrownBy(() -> tree.resolve("/a/x"))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.LINK_LOOP))
        .hasMessageContaining("/a/x");
  }

  @ParameterizedTest
  @EnumSource(Compression.Type.class)
  void readsContentWhateverTheCompression(Compression.Type type) throws Exception {
    Layer layer =
        store
            .layers()
            .write(
                s -> {
                  file(s, "etc/passwd", "root:x:0:0");
                  file(s, "other", "o".repeat(100_000));
                  file(s, "empty", "");
                },
                new Compression(type, 0));
    ImageTree tree = ImageTree.of(store.layers(), List.of(layer));
    assertThat(tree.readSmall("etc/passwd", 100).orElseThrow()).asString().isEqualTo("root:x:0:0");
    assertThat(tree.readSmall("/other", 100_000).orElseThrow()).hasSize(100_000);
    assertThat(tree.readSmall("empty", 0).orElseThrow()).isEmpty();
    assertThatThrownBy(() -> tree.readSmall("other", 99_999))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.LIMIT_EXCEEDED));
    assertThatThrownBy(() -> tree.readSmall("etc", 10)).hasMessageContaining("DIRECTORY");
    assertThatThrownBy(() -> tree.open(EntryMeta.file("no", 0, 0, 0, 0, 0)))
        .isInstanceOf(FileNotFoundException.class);
  }

  static List<LayerSource> invalid() {
    return List.of(
        s -> s.add(EntryMeta.file("l", 0, 0, 0, 0, 0).asHardLinkTo("missing")),
        s -> {
          dir(s, "d", 0755);
          s.add(EntryMeta.file("l", 0, 0, 0, 0, 0).asHardLinkTo("d"));
        },
        s -> {
          file(s, "f", "x");
          file(s, "f/g", "x");
        });
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.MethodSource("invalid")
  void layersThatContradictThemselvesAreRefused(LayerSource source) {
    assertThatThrownBy(() -> tree(source))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.MALFORMED));
  }

  @Test
  void linkLoopsAndLadderOfLinksInsideALayerEnd() {
    assertThatThrownBy(
            () ->
                tree(
                    s -> {
                      link(s, "a", "b");
                      link(s, "b", "a");
                      file(s, "a/x", "x");
                    }))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.LINK_LOOP));
    String deep = "d/".repeat(1500) + "d";
    assertThatThrownBy(
            () ->
                tree(
                    s -> {
                      file(s, deep + "/f", "x");
                      link(s, "l", deep);
                      file(s, "l/" + deep + "/f", "x");
                    }))
        .isInstanceOfSatisfying(
            LayerException.class, e -> assertThat(e.code()).isEqualTo(Code.LIMIT_EXCEEDED));
  }

  @Test
  void deepTreesMerge() throws Exception {
    String deep = "d/".repeat(2040);
    ImageTree tree = tree(s -> file(s, deep + "a", "1"), s -> file(s, deep + "b", "2"));
    assertThat(tree.lookup(deep + "a")).isPresent();
    assertThat(tree.lookup(deep + "b")).isPresent();
  }
}
