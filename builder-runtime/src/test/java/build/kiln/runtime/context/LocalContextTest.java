package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Names;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalContextTest {
  @TempDir Path folder;

  @Test
  void showsFilesAsTheyAre() throws IOException {
    Files.writeString(folder.resolve("a b"), "text");
    Files.setPosixFilePermissions(
        folder.resolve("a b"), PosixFilePermissions.fromString("rwxr-x---"));
    Files.setLastModifiedTime(
        folder.resolve("a b"), FileTime.from(Instant.ofEpochSecond(1_600_000_000, 123_000_000)));
    Files.createDirectories(folder.resolve("dir/ünder"));
    Files.createSymbolicLink(folder.resolve("link"), Path.of("dir/../../outside"));
    try (var context = LocalContext.open(folder)) {
      assertThat(Trees.paths(context.tree()))
          .containsExactly("a b", "dir", "dir/ünder", "link -> dir/../../outside");
      EntryMeta file = context.tree().lookup("a b").orElseThrow();
      assertThat(file.mode()).isEqualTo(0750);
      assertThat(file.size()).isEqualTo(4);
      assertThat(file.mtimeSeconds()).isEqualTo(1_600_000_000);
      assertThat(file.mtimeNanos()).isEqualTo(123_000_000);
      assertThat(file.linkId()).isZero();
      assertThat(Trees.text(context.tree(), "a b")).isEqualTo("text");
      assertThat(context.epoch()).isEmpty();
      assertThat(context.revision()).isEmpty();
      assertThat(context.tree().lookup("").orElseThrow().isDirectory()).isTrue();
    }
  }

  @Test
  void keepsNamesThatAreNotUtf8AndOrdersByBytes() throws IOException {
    String odd = Names.decode(new byte[] {(byte) 0xff, 'x'});
    try (var handle = DirectoryHandle.open(folder)) {
      for (String name : List.of(odd, "z", "\uD83D\uDE00", "\uFF41")) {
        handle.createFile(name, 0644).close();
      }
    }
    try (var context = LocalContext.open(folder)) {
      assertThat(context.tree().children("").stream().map(EntryMeta::name))
          .containsExactly("z", "\uFF41", "\uD83D\uDE00", odd);
      assertThat(Trees.text(context.tree(), odd)).isEmpty();
    }
  }

  @Test
  void neverLeavesTheFolder() throws IOException {
    Path context = Files.createDirectory(folder.resolve("context"));
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Files.writeString(outside.resolve("secret"), "x");
    Files.createSymbolicLink(context.resolve("out"), Path.of("../outside"));
    try (var opened = LocalContext.open(context)) {
      assertThat(opened.tree().lookup("out/secret")).isEmpty();
      assertThat(opened.tree().children("out")).isEmpty();
      assertThat(opened.tree().lookup("..")).isEmpty();
      assertThat(opened.tree().lookup("../outside/secret")).isEmpty();
      assertThat(opened.tree().children("..")).isEmpty();
      assertThat(opened.read("out/secret", 10)).isEmpty();
      assertThat(opened.read("../outside/secret", 10)).isEmpty();
    }
  }

  @Test
  void numbersHardLinks() throws IOException {
    Files.writeString(folder.resolve("one"), "x");
    Files.createLink(folder.resolve("two"), folder.resolve("one"));
    Files.writeString(folder.resolve("other"), "x");
    Files.createLink(folder.resolve("other2"), folder.resolve("other"));
    try (var context = LocalContext.open(folder)) {
      long[] ids = context.tree().children("").stream().mapToLong(EntryMeta::linkId).toArray();
      assertThat(ids[0]).isNotZero();
      assertThat(context.tree().lookup("two").orElseThrow().linkId()).isEqualTo(ids[0]);
      assertThat(context.tree().lookup("other").orElseThrow().linkId())
          .isNotZero()
          .isNotEqualTo(ids[0]);
      assertThat(Arrays.stream(ids).distinct().count()).isEqualTo(2);
    }
  }

  @Test
  void leavesOutSocketsAndAttributes() throws Exception {
    Path socket = folder.resolve("socket");
    Files.writeString(folder.resolve("file"), "x");
    Files.setAttribute(folder.resolve("file"), "user:note", new byte[] {1});
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      try (var context = LocalContext.open(folder)) {
        assertThat(Trees.paths(context.tree())).containsExactly("file");
        assertThat(context.tree().lookup("socket")).isEmpty();
        assertThat(context.tree().lookup("file").orElseThrow().xattrs()).isEmpty();
      }
    }
  }

  @Test
  void doesNotBlockOnAFifo() throws IOException {
    try (var handle = DirectoryHandle.open(folder)) {
      handle.makeNode("fifo", build.kiln.runtime.posix.FileType.FIFO, 0644, 0, 0);
    }
    try (var context = LocalContext.open(folder)) {
      assertThat(context.tree().lookup("fifo").orElseThrow().kind()).isEqualTo(EntryMeta.Kind.FIFO);
      assertThatThrownBy(() -> context.read("fifo", 10))
          .hasMessageContaining("is a fifo, not a file");
    }
  }

  @Test
  void tellsAFileThatChangesWhileItIsRead() throws IOException {
    Path file = folder.resolve("log");
    Files.write(file, new byte[300_000]);
    try (var context = LocalContext.open(folder)) {
      EntryMeta before = context.tree().lookup("log").orElseThrow();
      try (var in = context.tree().open(before)) {
        in.readNBytes(100);
        Files.write(file, new byte[] {1}, StandardOpenOption.APPEND);
        assertChanged(in::readAllBytes);
      }
      Files.write(file, new byte[10]);
      assertChanged(() -> context.tree().open(before).close());
      EntryMeta small = context.tree().lookup("log").orElseThrow();
      try (var in = context.tree().open(small)) {
        Files.write(file, new byte[] {2, 3}, StandardOpenOption.WRITE);
        Files.setLastModifiedTime(file, FileTime.from(5, TimeUnit.SECONDS));
        assertChanged(in::readAllBytes);
      }
      Files.delete(file);
      assertChanged(() -> context.tree().open(small).close());
    }
  }

  private void assertChanged(org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.CHANGED))
        .hasMessageContaining(folder + "/log")
        .hasMessageContaining("changed while the build read it");
  }

  @Test
  void mindsUnreadableFilesOnlyWhenTheyAreRead() throws IOException {
    Path file = Files.writeString(folder.resolve("secret"), "x");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    assumeTrue(!Files.isReadable(file), "root reads files of mode 000");
    try (var context = LocalContext.open(folder)) {
      EntryMeta meta = context.tree().lookup("secret").orElseThrow();
      assertThatThrownBy(() -> context.tree().open(meta))
          .isInstanceOfSatisfying(
              ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.UNREADABLE));
    }
  }

  @Test
  void followsLinksInsideAsInAChroot() throws IOException {
    Files.createDirectories(folder.resolve("build/docker"));
    Files.writeString(folder.resolve("build/docker/Dockerfile"), "FROM scratch\n");
    Files.createSymbolicLink(folder.resolve("Dockerfile"), Path.of("/build/docker/Dockerfile"));
    Files.createSymbolicLink(folder.resolve("up"), Path.of("../../../build"));
    Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    Files.createSymbolicLink(folder.resolve("dangling"), Path.of("nothing"));
    try (var context = LocalContext.open(folder)) {
      assertThat(context.read("Dockerfile", 100))
          .contains("FROM scratch\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertThat(context.read("./up/docker/../docker/Dockerfile", 100)).isPresent();
      assertThat(context.read("up/docker/Dockerfile/.", 100)).isEmpty();
      assertThat(context.read("dangling", 100)).isEmpty();
      assertThat(context.read("nothing/../Dockerfile", 100)).isEmpty();
      assertThatThrownBy(() -> context.read("loop", 100)).hasMessageContaining("is it a loop?");
      assertThatThrownBy(() -> context.read("build", 100))
          .hasMessageContaining("is a directory, not a file");
      assertThatThrownBy(() -> context.read("Dockerfile", 3))
          .isInstanceOfSatisfying(
              ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.TOO_LARGE));
    }
  }

  @Test
  void saysWhatIsWrongWithAFolder() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> LocalContext.open(folder.resolve("none")))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_FOUND))
        .hasMessageContaining("no such file or directory");
    assertThatThrownBy(() -> LocalContext.open(file))
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID));
  }
}
