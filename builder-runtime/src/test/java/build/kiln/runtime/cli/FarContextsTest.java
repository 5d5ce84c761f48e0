package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.context.GitFixture;
import build.kiln.runtime.context.GitHttpBackend;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Build contexts that are no folders. */
class FarContextsTest {
  private static final String DOCKERFILE = "FROM scratch\nCOPY d/f /f\nCOPY d/h /h\n";

  @TempDir Path folder;

  private List<String> arguments(String... more) {
    var all = new ArrayList<>(List.of("build", "--store", folder.resolve("store").toString()));
    all.addAll(List.of("-o", "type=oci,dest=" + folder.resolve("out.tar"), "-q"));
    all.addAll(List.of(more));
    return all;
  }

  private Captured build(byte[] input, String... more) {
    return Captured.reading(input, arguments(more).toArray(String[]::new));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A tar with a Dockerfile, an ignore file, files and a hard link. */
  private static byte[] tar() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      put(tar, new TarArchiveEntry("./Dockerfile"), "replaced by the later one");
      put(tar, new TarArchiveEntry("d/f"), "text");
      var link = new TarArchiveEntry("d/h", TarArchiveEntry.LF_LINK);
      link.setLinkName("d/f");
      put(tar, link, "");
      put(tar, new TarArchiveEntry("hidden"), "h");
      put(tar, new TarArchiveEntry(".dockerignore"), "hidden\n");
      put(tar, new TarArchiveEntry("Dockerfile"), DOCKERFILE);
      put(tar, new TarArchiveEntry("other/Dockerfile"), "FROM scratch\nCOPY hidden /\n");
    }
    return bytes.toByteArray();
  }

  private static void put(TarArchiveOutputStream tar, TarArchiveEntry entry, String text)
      throws IOException {
    entry.setSize(bytes(text).length);
    tar.putArchiveEntry(entry);
    tar.write(bytes(text));
    tar.closeArchiveEntry();
  }

  private static byte[] gzip(byte[] content) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(bytes)) {
      gzip.write(content);
    }
    return bytes.toByteArray();
  }

  /** How many blobs the image has. */
  private int blobs() throws IOException {
    int found = 0;
    try (var tar = new TarArchiveInputStream(Files.newInputStream(folder.resolve("out.tar")))) {
      for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        if (entry.getName().startsWith("blobs/sha256/") && !entry.isDirectory()) {
          found++;
        }
      }
    }
    return found;
  }

  @Test
  void aDockerfileFromStandardInput() throws IOException {
    Captured built = build(bytes("FROM scratch\nLABEL a=b\nWORKDIR /x\n"), "-");
    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(blobs()).isEqualTo(3);
    Captured copies = build(bytes("FROM scratch\nCOPY f /\n"), "-");
    assertThat(copies.exitCode()).isEqualTo(1);
    assertThat(copies.err()).contains("Dockerfile:2:6").contains("is not in the build context");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anArchiveFromStandardInput(boolean compressed) throws IOException {
    byte[] archive = compressed ? gzip(tar()) : tar();
    Captured built = build(archive, "-");
    assertThat(built.exitCode()).as(built.err()).isZero();
    assertThat(blobs()).isEqualTo(4);
    Captured other = build(archive, "-f", "other/Dockerfile", "-");
    assertThat(other.exitCode()).isEqualTo(1);
    assertThat(other.err()).contains(".dockerignore:1");
    Captured missing = build(archive, "-f", "none", "-");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.err()).contains("has no file none");
  }

  @Test
  void whatIsNoContextIsSaid() throws IOException {
    var unsafe = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(unsafe)) {
      put(tar, new TarArchiveEntry("../x"), "x");
    }
    Captured outside = build(unsafe.toByteArray(), "-");
    assertThat(outside.exitCode()).isEqualTo(1);
    assertThat(outside.err()).contains("standard input is no archive to build from");
    assertThat(build(new byte[0], "-f", "-", "-").exitCode()).isEqualTo(2);
    Captured both = build(bytes("FROM scratch"), "-f", "x", "-");
    assertThat(both.exitCode()).isEqualTo(2);
    assertThat(both.err()).contains("is a Dockerfile itself");
    Captured query = build(new byte[0], "https://h.example/r.git?what=x");
    assertThat(query.exitCode()).isEqualTo(2);
    assertThat(query.err()).contains("what");
  }

  @Test
  void urls() throws IOException {
    Map<String, byte[]> files =
        Map.of("/context.tgz", gzip(tar()), "/Dockerfile", bytes("FROM scratch\nENV A=b\n"));
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] file = files.get(exchange.getRequestURI().getPath());
          exchange.sendResponseHeaders(file == null ? 404 : 200, file == null ? -1 : file.length);
          if (file != null) {
            exchange.getResponseBody().write(file);
          }
          exchange.close();
        });
    server.start();
    try {
      String base = "http://127.0.0.1:" + server.getAddress().getPort();
      Captured archive = build(new byte[0], base + "/context.tgz");
      assertThat(archive.exitCode()).as(archive.err()).isZero();
      assertThat(blobs()).isEqualTo(4);
      Captured alone = build(new byte[0], base + "/Dockerfile");
      assertThat(alone.exitCode()).as(alone.err()).isZero();
      Captured missing = build(new byte[0], base + "/none");
      assertThat(missing.exitCode()).isEqualTo(1);
      assertThat(missing.err()).contains("404");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void gitRepositories() throws Exception {
    assumeTrue(GitFixture.isGitHere(), "git is not installed");
    Path work = Files.createDirectory(folder.resolve("work"));
    GitFixture.git(work, 0, "init", "-q", "-b", "main");
    Files.createDirectories(work.resolve("sub/d"));
    Files.writeString(work.resolve("sub/Dockerfile"), DOCKERFILE);
    Files.writeString(work.resolve("sub/d/f"), "f");
    Files.writeString(work.resolve("sub/d/h"), "h");
    GitFixture.git(work, 0, "add", "-A");
    GitFixture.git(work, 0, "commit", "-q", "-m", "message");
    GitFixture.git(folder, 0, "clone", "-q", "--mirror", "work", "repo.git");
    try (var server = new GitHttpBackend(folder)) {
      String url = server.url("/repo.git");
      Captured built = build(new byte[0], url + "#main:sub");
      assertThat(built.exitCode()).as(built.err()).isZero();
      assertThat(blobs()).isEqualTo(4);
      Captured top = build(new byte[0], url);
      assertThat(top.exitCode()).isEqualTo(1);
      assertThat(top.err()).contains("has no file Dockerfile");
      Captured noBranch = build(new byte[0], url + "#none");
      assertThat(noBranch.exitCode()).isEqualTo(1);
      assertThat(noBranch.err()).contains("SourceNotFound", "none");
    }
  }
}
