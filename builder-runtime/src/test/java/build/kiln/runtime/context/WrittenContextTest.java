package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImageBuildSpec.ConfigMapSource;
import build.kiln.api.v1alpha1.ImageBuildSpec.InlineFile;
import build.kiln.runtime.context.ContextException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files in the manifest and in ConfigMaps. */
class WrittenContextTest {
  @TempDir Path folder;

  @Test
  void inlineFilesHaveDirectoriesModesAndOneTime() throws IOException {
    try (var context =
        InlineContext.of(
            List.of(
                new InlineFile("Dockerfile", "FROM scratch\n", 0644),
                new InlineFile("./bin//run me", "#!/bin/sh\n", 0755),
                new InlineFile("bin/ä/b", "x", 0600)),
            42)) {
      assertThat(Trees.list(context.tree()))
          .containsExactly(
              "file 644 Dockerfile",
              "directory 755 bin",
              "file 755 bin/run me",
              "directory 755 bin/ä",
              "file 600 bin/ä/b");
      assertThat(Trees.text(context.tree(), "bin/run me")).isEqualTo("#!/bin/sh\n");
      assertThat(context.epoch()).hasValue(42);
      assertThat(context.tree().lookup("bin/ä").orElseThrow().mtimeSeconds()).isEqualTo(42);
      assertThat(context.tree().lookup("bin/none")).isEmpty();
      assertThat(context.tree().lookup("Dockerfile/x")).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "a, a, twice",
    "a, ./a, twice",
    "a, a/b, both as a file and as a folder",
    "a/b/c, a, both as a file and as a folder",
    "ok, ../a, leave the root",
    "ok, a/../b, leave the root",
    "ok, /etc/passwd, no file's path",
    "ok, ., no file's path"
  })
  void inlinePathsThatContradictEachOtherAreRefused(String first, String second, String why) {
    assertThatThrownBy(
            () ->
                InlineContext.of(
                    List.of(new InlineFile(first, "", 0644), new InlineFile(second, "", 0644))))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID))
        .hasMessageContaining(why);
  }

  /** As kubelet writes it: ..data leads to a folder with a time in its name, keys lead into it. */
  private Path mounted(String... keys) throws IOException {
    Path mount = Files.createDirectories(folder.resolve("mount"));
    Path data = Files.createDirectory(mount.resolve("..2026_11_22_10_00_00.1"));
    Files.createSymbolicLink(mount.resolve("..data"), data.getFileName());
    for (String key : keys) {
      Files.write(data.resolve(key), new byte[] {(byte) 0xff, 0, 1});
      Files.createSymbolicLink(mount.resolve(key), Path.of("..data", key));
    }
    return mount;
  }

  @Test
  void aConfigMapsKeysAreFiles() throws IOException {
    Path mount = mounted("Dockerfile", ".dockerignore", "logo.png");
    try (var context = ConfigMapContext.open(new ConfigMapSource("site", null), mount)) {
      assertThat(Trees.list(context.tree()))
          .containsExactly("file 644 .dockerignore", "file 644 Dockerfile", "file 644 logo.png");
      assertThat(context.read("logo.png", 10)).contains(new byte[] {(byte) 0xff, 0, 1});
      assertThat(context.epoch()).hasValue(BuildContext.FIXED_TIME);
    }
  }

  @Test
  void itemsPlaceKeys() throws IOException {
    Path mount = mounted("run", "unused");
    var items =
        List.of(
            new ConfigMapSource.Item("run", "bin/run", 0755),
            new ConfigMapSource.Item("run", "again", 0644));
    try (var context = ConfigMapContext.open(new ConfigMapSource("site", items), mount)) {
      assertThat(Trees.list(context.tree()))
          .containsExactly("file 644 again", "directory 755 bin", "file 755 bin/run");
    }
  }

  @Test
  void aMissingKeyIsNamedWithThoseThatAreThere() throws IOException {
    Path mount = mounted("Dockerfile", "b");
    var items = List.of(new ConfigMapSource.Item("dockerfile", "Dockerfile", 0644));
    assertThatThrownBy(() -> ConfigMapContext.open(new ConfigMapSource("site", items), mount))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_FOUND))
        .hasMessage("ConfigMap \"site\" has no key \"dockerfile\"; it has Dockerfile, b");
    assertThatThrownBy(
            () -> ConfigMapContext.open(new ConfigMapSource("none", null), folder.resolve("none")))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_FOUND))
        .hasMessageContaining("there is no ConfigMap \"none\"");
  }

  @Test
  void plainFoldersAtADeskHoldNoFoldersAndAtMostAMebibyte() throws IOException {
    Path desk = Files.createDirectory(folder.resolve("desk"));
    byte[] half = new byte[512 * 1024];
    Arrays.fill(half, (byte) 'x');
    Files.write(desk.resolve("a"), half);
    Files.write(desk.resolve("b"), half);
    var source = new ConfigMapSource("desk", null);
    ConfigMapContext.open(source, desk).close();
    Files.writeString(desk.resolve("c"), "x");
    assertThatThrownBy(() -> ConfigMapContext.open(source, desk))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.TOO_LARGE));
    Files.delete(desk.resolve("c"));
    Files.createDirectory(desk.resolve("c"));
    assertThatThrownBy(() -> ConfigMapContext.open(source, desk))
        .hasMessageContaining("has keys only, no folders");
  }

  @Test
  void anEmptyContextHasOnlyItsRoot() throws IOException {
    try (var context = new EmptyContext()) {
      assertThat(context.tree().lookup("").orElseThrow().isDirectory()).isTrue();
      assertThat(context.tree().children("")).isEmpty();
      assertThat(context.read("Dockerfile", 10)).isEmpty();
    }
  }
}
