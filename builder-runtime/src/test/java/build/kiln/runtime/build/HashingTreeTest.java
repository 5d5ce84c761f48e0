package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.LocalContext;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HashingTreeTest {
  @TempDir Path folder;
  private BuildBench bench;
  private BuildContext files;
  private final List<String> opened = new ArrayList<>();
  private Edit meanwhile = path -> {};

  /** What somebody does to the context when a file of it is read. */
  @FunctionalInterface
  private interface Edit {
    void whenOpened(String path) throws IOException;
  }

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a", "first").file("d/b", "second");
    files = LocalContext.open(bench.contextFolder());
  }

  @AfterEach
  void stop() throws IOException {
    files.close();
    bench.close();
  }

  /** The files, noting which are opened. */
  private final FileTree noting =
      new FileTree() {
        @Override
        public Optional<EntryMeta> lookup(String path) throws IOException {
          return files.tree().lookup(path);
        }

        @Override
        public List<EntryMeta> children(String path) throws IOException {
          return files.tree().children(path);
        }

        @Override
        public InputStream open(EntryMeta file) throws IOException {
          opened.add(file.path());
          InputStream content = files.tree().open(file);
          meanwhile.whenOpened(file.path());
          return content;
        }
      };

  private BuildContext context() {
    return new BuildContext() {
      @Override
      public FileTree tree() {
        return noting;
      }

      @Override
      public OptionalLong epoch() {
        return OptionalLong.empty();
      }

      @Override
      public void close() {}
    };
  }

  private static String sha256(String text) {
    return Digest.ofBytes(text.getBytes(StandardCharsets.UTF_8)).hex();
  }

  @Test
  void aFileThatWasReadToItsEndIsNotReadForItsHash() throws Exception {
    var tree = new HashingTree(noting);
    EntryMeta file = tree.lookup("a").orElseThrow();
    try (InputStream in = tree.open(file)) {
      assertThat(in.readAllBytes()).hasSize(5);
    }
    assertThat(HexFormat.of().formatHex(tree.hash(file))).isEqualTo(sha256("first"));
    assertThat(opened).containsExactly("a");
  }

  @Test
  void aFileThatWasReadInPartIsReadAgain() throws Exception {
    var tree = new HashingTree(noting);
    EntryMeta file = tree.lookup("d/b").orElseThrow();
    try (InputStream in = tree.open(file)) {
      assertThat(in.readNBytes(3)).hasSize(3);
      assertThat(in.skip(1)).isEqualTo(1);
    }
    assertThat(HexFormat.of().formatHex(tree.hash(file))).isEqualTo(sha256("second"));
    assertThat(opened).containsExactly("d/b", "d/b");
  }

  @Test
  void aBuildReadsEveryFileOnceWhereNothingCanBeInTheCache() throws Exception {
    String dockerfile = "FROM scratch\nCOPY . /\n";
    bench.build(dockerfile, context());
    assertThat(opened).containsExactlyInAnyOrder("a", "d/b");
    opened.clear();
    // For the key alone: it is the same, so the layer is there.
    bench.build(dockerfile, context());
    assertThat(bench.lastStepCached()).isTrue();
    assertThat(opened).containsExactlyInAnyOrder("a", "d/b");
  }

  private static final String ALL = "FROM scratch\nCOPY . /\n";

  /** Done once, at the first time that the file is read. */
  private void when(String file, Edit edit) {
    meanwhile =
        path -> {
          if (path.equals(file)) {
            meanwhile = other -> {};
            edit.whenOpened(path);
          }
        };
  }

  @Test
  void whatComesWhileTheLayerIsMadeIsInTheNextBuild() throws Exception {
    when(
        "d/b",
        path -> {
          bench.file("new", "saved meanwhile");
          assertThat(bench.contextFolder().resolve("a").toFile().setExecutable(true)).isTrue();
        });
    assertThat(bench.build(ALL, context()).files()).noneMatch(line -> line.contains("new"));

    assertThat(bench.build(ALL, context()).files())
        .contains("0644 0:0 new \"saved meanwhile\"")
        .anyMatch(line -> line.startsWith("0744") && line.contains(" a "));
  }

  @Test
  void whatChangesBetweenTheKeyAndTheLayerIsNotKeptForTheKey() throws Exception {
    bench.build(ALL, context());
    bench.file("a", "other");
    // The key comes first now: then somebody saves the file, of the same size, and takes it back.
    when("d/b", path -> Files.writeString(bench.contextFolder().resolve("a"), "wrong"));

    assertThatThrownBy(() -> bench.build(ALL, context()))
        .hasMessageContaining("changed while the build read it");
    bench.file("a", "other");

    assertThat(bench.build(ALL, context()).text("a")).isEqualTo("other");
  }

  @Test
  void whatGoesOrComesBetweenTheKeyAndTheLayerIsNotKeptForTheKey() throws Exception {
    bench.build(ALL, context());
    bench.file("a", "other");
    when("d/b", path -> bench.file("late", "x"));
    bench.build(ALL, context());
    Files.delete(bench.contextFolder().resolve("late"));

    assertThat(bench.build(ALL, context()).files()).noneMatch(line -> line.contains("late"));
  }
}
