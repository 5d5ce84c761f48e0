package build.kiln.runtime.posix;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DirectoryHandleTest {
  @TempDir Path top;
  private DirectoryHandle root;

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Native.supported(), "system calls are for Linux on x86_64 and aarch64");
    Files.createDirectories(top.resolve("root/d/e"));
    Files.createDirectory(top.resolve("outside"));
    Files.writeString(top.resolve("outside/secret"), "x");
    Files.writeString(top.resolve("root/d/f"), "content");
    Files.createSymbolicLink(top.resolve("root/link"), Path.of("d"));
    Files.createSymbolicLink(top.resolve("root/out"), Path.of("../outside"));
    root = DirectoryHandle.open(top.resolve("root"));
  }

  @AfterEach
  void close() {
    Beneath.useOpenat2(true);
    if (root != null) {
      root.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, d/e, ",
    "true, '', ",
    "true, link, ELOOP",
    "true, link/e, ELOOP",
    "true, out, ELOOP",
    "true, .., EXDEV",
    "true, d/../../outside, EXDEV",
    "true, /etc, EXDEV",
    "true, d/f, ENOTDIR",
    "true, none, ENOENT",
    "false, d/e, ",
    "false, '', ",
    "false, link, ELOOP",
    "false, link/e, ELOOP",
    "false, out, ELOOP",
    "false, .., EXDEV",
    "false, d/../../outside, EXDEV",
    "false, /etc, EXDEV",
    "false, d/f, ENOTDIR",
    "false, none, ENOENT",
  })
  void opensBeneathOnly(boolean openat2, String path, String error) throws Exception {
    Beneath.useOpenat2(openat2);
    if (error == null) {
      try (DirectoryHandle found = root.openDirectory(path)) {
        assertThat(found.status().isDirectory()).isTrue();
      }
    } else {
      assertThatThrownBy(() -> root.openDirectory(path))
          .isInstanceOf(PosixException.class)
          .extracting(e -> ((PosixException) e).errno().name())
          .isEqualTo(error);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"out/secret", "link", "d", "fifo"})
  void readsRegularFilesOnly(String path) throws Exception {
    root.makeNode("fifo", FileType.FIFO, 0600, 0, 0);
    assertThatThrownBy(() -> root.openFile(path)).isInstanceOf(PosixException.class);
    try (var file = root.openFile("d/f").inputStream()) {
      assertThat(file.readAllBytes()).asString().isEqualTo("content");
    }
  }

  @Test
  void namesAreBytesInTheirOrder() throws Exception {
    List<byte[]> names =
        Stream.of(
                "b",
                "\u00ff\u00fe",
                "\u00e9",
                "a",
                "\u00ef\u00bf\u00bd",
                "\u00f0\u009f\u0098\u0080")
            .map(name -> name.getBytes(ISO_8859_1))
            .toList();
    try (DirectoryHandle directory = root.openDirectory("d/e")) {
      for (byte[] name : names) {
        directory.createFile(Names.decode(name), 0600).close();
      }
      assertThat(directory.names().stream().map(n -> new String(Names.encode(n), ISO_8859_1)))
          .containsExactly(
              "a", "b", "\u00e9", "\u00ef\u00bf\u00bd", "\u00f0\u009f\u0098\u0080", "\u00ff\u00fe");
    }
  }

  @Test
  void listsDirectoriesLargerThanABuffer() throws Exception {
    try (DirectoryHandle directory = root.openDirectory("d/e")) {
      for (int i = 0; i < 3000; i++) {
        directory
            .createFile("a-rather-long-name-of-a-file-so-that-many-fill-a-buffer-" + i, 0)
            .close();
      }
      assertThat(directory.names()).hasSize(3000).doesNotHaveDuplicates();
      assertThat(directory.names()).hasSize(3000);
    }
  }

  @Test
  void metadataGoesAndComesBack() throws Exception {
    try (FileHandle file = root.createFile("f", 0600)) {
      file.writeAll(new ByteArrayInputStream("hello".getBytes(ISO_8859_1)), new byte[4096]);
      file.chmod(06751);
      file.setXattr("user.a", new byte[] {0, 1, 2});
      file.setXattr("user.empty", new byte[0]);
      file.setTimes(-5, 123_456_789);
    }
    root.makeLink("g", root, "f");
    FileStatus status = root.status("g");
    assertThat(status.type()).isEqualTo(FileType.FILE);
    assertThat(status.mode()).isEqualTo(06751);
    assertThat(status.size()).isEqualTo(5);
    assertThat(status.mtimeSeconds()).isEqualTo(-5);
    assertThat(status.mtimeNanos()).isEqualTo(123_456_789);
    assertThat(status.links()).isEqualTo(2);
    assertThat(status.isSameFile(root.status("f"))).isTrue();
    assertThat(root.xattrs("f")).containsOnlyKeys("user.a", "user.empty");
    assertThat(root.xattrs("f").get("user.a")).containsExactly(0, 1, 2);
    assertThat(root.xattrs("link")).isEmpty();
    assertThat(root.readLink("link")).isEqualTo("d");
    assertThatThrownBy(() -> root.chmod("link", 0)).hasMessageContaining("ELOOP");
    root.setTimes("link", 7, 8);
    assertThat(root.status("link").mtimeSeconds()).isEqualTo(7);
    assertThat(root.find("nothing")).isEmpty();
  }

  @Test
  void zerosBecomeHoles() throws Exception {
    byte[] content = new byte[5 << 20];
    content[3 << 20] = 1;
    try (FileHandle file = root.createFile("sparse", 0600)) {
      assertThat(file.writeAll(new ByteArrayInputStream(content), new byte[64 << 10]))
          .isEqualTo(content.length);
    }
    Path sparse = top.resolve("root/sparse");
    assertThat(Files.readAllBytes(sparse)).isEqualTo(content);
    assertThat((long) Files.getAttribute(sparse, "unix:size")).isEqualTo(content.length);
    Process du = new ProcessBuilder("du", "-k", sparse.toString()).start();
    String blocks = new String(du.getInputStream().readAllBytes(), ISO_8859_1);
    assertThat(Integer.parseInt(blocks.split("\\s")[0])).isLessThan(512);
  }

  @Test
  void removalDoesNotFollowLinksAndGetsIntoClosedDirectories() throws Exception {
    root.makeDirectory("closed", 0700);
    Files.writeString(top.resolve("root/closed/inside"), "");
    root.chmod("closed", 0);
    TreeRemover.removeContents(root);
    assertThat(root.names()).isEmpty();
    assertThat(top.resolve("outside/secret")).hasContent("x");
    TreeRemover.remove(root, "nothing");
  }

  @Test
  void removalHasNoLimitOfDepth() throws Exception {
    DirectoryHandle at = root.openDirectory("");
    for (int i = 0; i < 5000; i++) {
      at.makeDirectory("deep", 0700);
      at.createFile("file", 0600).close();
      DirectoryHandle next = at.openDirectory("deep");
      at.close();
      at = next;
    }
    at.close();
    TreeRemover.remove(root, "deep");
    assertThat(root.names()).doesNotContain("deep").noneMatch(n -> n.startsWith(".removing"));
  }
}
