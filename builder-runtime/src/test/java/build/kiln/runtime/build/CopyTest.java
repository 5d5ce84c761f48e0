package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.FailureReason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** COPY and ADD; where BuildKit was asked, its answers. */
class CopyTest {
  @TempDir Path folder;
  private BuildBench bench;
  private String debian;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    debian = bench.debianLike();
    bench.file("a.txt", "a").file("b.txt", "b").file("d/one", "1").file("d/sub/two", "2");
    Files.setPosixFilePermissions(
        bench.contextFolder().resolve("d/sub"),
        java.nio.file.attribute.PosixFilePermissions.fromString("rwx------"));
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  static Stream<Arguments> copies() {
    return Stream.of(
        Arguments.of("COPY a.txt /x", List.of("0644 0:0 x \"a\"")),
        Arguments.of("COPY a.txt /x/", List.of("0755 0:0 x/", "0644 0:0 x/a.txt \"a\"")),
        Arguments.of(
            "COPY a.txt b.txt /x/y/",
            List.of(
                "0755 0:0 x/",
                "0755 0:0 x/y/",
                "0644 0:0 x/y/a.txt \"a\"",
                "0644 0:0 x/y/b.txt \"b\"")),
        // The content of a directory is copied, its own mode is not.
        Arguments.of(
            "COPY d /new",
            List.of(
                "0755 0:0 new/",
                "0644 0:0 new/one \"1\"",
                "0700 0:0 new/sub/",
                "0644 0:0 new/sub/two \"2\"")),
        // A link of the base is followed, and parents are as the base has them.
        Arguments.of(
            "COPY a.txt /bin/",
            List.of("0755 0:0 usr/", "0711 0:0 usr/bin/", "0644 0:0 usr/bin/a.txt \"a\"")),
        Arguments.of(
            "COPY a.txt /bin",
            List.of("0755 0:0 usr/", "0711 0:0 usr/bin/", "0644 0:0 usr/bin/a.txt \"a\"")),
        Arguments.of(
            "COPY a.txt /etc/link-to-file", List.of("0750 7:8 srv/", "0644 0:0 srv/target \"a\"")),
        Arguments.of(
            "COPY d /srv",
            List.of(
                "0750 7:8 srv/",
                "0644 0:0 srv/one \"1\"",
                "0700 0:0 srv/sub/",
                "0644 0:0 srv/sub/two \"2\"")),
        Arguments.of(
            "COPY --chown=app a.txt /x/",
            List.of("0755 1000:1001 x/", "0644 1000:1001 x/a.txt \"a\"")),
        Arguments.of("COPY --chown=:staff a.txt /x", List.of("0644 0:50 x \"a\"")),
        Arguments.of("COPY --chown=5 a.txt /x", List.of("0644 5:5 x \"a\"")),
        Arguments.of("COPY --chown=app:7 a.txt /x", List.of("0644 1000:7 x \"a\"")),
        Arguments.of(
            "COPY --chmod=4711 a.txt /x/", List.of("4711 0:0 x/", "4711 0:0 x/a.txt \"a\"")),
        Arguments.of(
            "COPY --chmod=u=rwX,go=r d /x",
            List.of(
                "0755 0:0 x/",
                "0644 0:0 x/one \"1\"",
                "0744 0:0 x/sub/",
                "0644 0:0 x/sub/two \"2\"")),
        Arguments.of(
            "COPY *.txt /x/",
            List.of("0755 0:0 x/", "0644 0:0 x/a.txt \"a\"", "0644 0:0 x/b.txt \"b\"")),
        Arguments.of("COPY nothing* /x/", List.of()),
        Arguments.of(
            "COPY . /x/",
            List.of(
                "0755 0:0 x/",
                "0644 0:0 x/a.txt \"a\"",
                "0644 0:0 x/b.txt \"b\"",
                "0755 0:0 x/d/",
                "0644 0:0 x/d/one \"1\"",
                "0700 0:0 x/d/sub/",
                "0644 0:0 x/d/sub/two \"2\"")),
        Arguments.of("WORKDIR /w\nCOPY a.txt .", List.of("0755 0:0 w/", "0644 0:0 w/a.txt \"a\"")),
        Arguments.of("USER app\nWORKDIR /w/k", List.of("0755 1000:1001 w/", "0755 1000:1001 w/k/")),
        Arguments.of("WORKDIR /srv", List.of()),
        Arguments.of("COPY <<E /x\nhello\nE", List.of("0644 0:0 x \"hello\"")),
        Arguments.of(
            "COPY --link a.txt /bin/", List.of("0755 0:0 bin/", "0644 0:0 bin/a.txt \"a\"")));
  }

  @ParameterizedTest
  @MethodSource("copies")
  void theLayerHoldsWhatIsCopied(String instructions, List<String> expected) throws Exception {
    var built = bench.build("FROM " + debian + "\n" + instructions);

    assertThat(built.topLayer()).isEqualTo(expected);
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        Arguments.of(
            "COPY a.tx /x", "\"/a.tx\" is not in the build context", "did you mean /a.txt?"),
        Arguments.of("COPY d/oen /x", "\"/d/oen\" is not", "did you mean /d/one?"),
        Arguments.of("COPY secret /x", "\"/secret\" is not", "hidden by"),
        Arguments.of("COPY d /usr/bin/tool", "is no directory but a file", "^"),
        Arguments.of("COPY tooldir /usr/bin", "cannot copy a directory to \"/usr/bin/tool\"", "^"),
        Arguments.of("COPY usr /", "cannot copy a file over the directory \"/etc\"", "^"),
        Arguments.of("COPY --chown=nobody a.txt /x", "no user \"nobody\"", "use a number"),
        Arguments.of("COPY --from=" + "NONE /x /y", "NONE", "not an image reference"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsShownWhereItStands(String instruction, String what, String hint) throws Exception {
    bench
        .file(".dockerignore", "secret\n")
        .file("secret", "s")
        .file("tooldir/tool/x", "x")
        .file("usr/etc", "file");
    String dockerfile = "FROM " + debian + "\n" + instruction;

    assertThatThrownBy(() -> bench.build(dockerfile))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("Dockerfile:2:")
        .hasMessageContaining(what)
        .hasMessageContaining(hint)
        .extracting(e -> ((BuildException) e).reason())
        .isIn(FailureReason.StepFailed, FailureReason.DockerfileInvalid);
  }

  @Test
  void copyFromAStageKeepsOwners() throws Exception {
    var built =
        bench.build(
            """
            FROM scratch AS first
            COPY --chown=3:4 --chmod=4755 a.txt /s/d/a
            COPY --chown=5:6 d /s/e
            FROM %s
            COPY --from=first /s /t
            """
                .formatted(debian));

    assertThat(built.topLayer())
        .containsExactly(
            "0755 0:0 t/",
            "4755 3:4 t/d/",
            "4755 3:4 t/d/a \"a\"",
            "0755 5:6 t/e/",
            "0644 5:6 t/e/one \"1\"",
            "0700 5:6 t/e/sub/",
            "0644 5:6 t/e/sub/two \"2\"");
  }

  @Test
  void copyFromAnImage() throws Exception {
    var built = bench.build("FROM scratch\nCOPY --from=" + debian + " /bin/tool /t");

    assertThat(built.topLayer()).containsExactly("0644 0:0 t \"tool\"");
  }

  @Test
  void linksOnTheWayAreFollowedAndThoseInsideCopied() throws Exception {
    Files.createSymbolicLink(bench.contextFolder().resolve("to-a"), Path.of("a.txt"));
    Files.createSymbolicLink(bench.contextFolder().resolve("d/rel"), Path.of("../b.txt"));
    Files.createSymbolicLink(bench.contextFolder().resolve("to-d"), Path.of("d"));
    Files.createSymbolicLink(bench.contextFolder().resolve("out"), Path.of("/etc/passwd"));

    assertThat(bench.build("FROM scratch\nCOPY to-a /x/").topLayer())
        .containsExactly("0755 0:0 x/", "0644 0:0 x/to-a \"a\"");
    assertThat(bench.build("FROM scratch\nCOPY to-d/ /x").topLayer())
        .contains("0777 0:0 x/rel -> ../b.txt", "0644 0:0 x/one \"1\"");
    // Links never lead out of the context.
    assertThatThrownBy(() -> bench.build("FROM scratch\nCOPY out /x"))
        .hasMessageContaining("\"/out\" is not in the build context");
    assertThatThrownBy(() -> bench.build("FROM scratch\nCOPY ../../etc/passwd /x"))
        .hasMessageContaining("\"/etc/passwd\" is not in the build context");
  }

  @Test
  void addUnpacksArchivesAndCopiesWhatIsNone() throws Exception {
    Files.write(bench.contextFolder().resolve("files.tgz"), gzip(tar()));
    Files.write(
        bench.contextFolder().resolve("no.gz"), gzip("text".getBytes(StandardCharsets.UTF_8)));

    assertThat(bench.build("FROM " + debian + "\nADD files.tgz /u").topLayer())
        .containsExactly(
            "0755 0:0 u/",
            "0755 5:6 u/bin/",
            "0644 5:6 u/bin/f \"f\"",
            "0644 5:6 u/hard \"f\"",
            "0777 5:6 u/soft -> bin/f");
    assertThat(bench.build("FROM " + debian + "\nADD --chown=9:9 files.tgz /u").topLayer())
        .contains("0755 9:9 u/", "0644 9:9 u/bin/f \"f\"");
    // As BuildKit: --chmod is not for archives, nor for the directory that they go to.
    assertThat(
            bench.build("FROM " + debian + "\nADD --chmod=700 --chown=9 files.tgz /u/v").topLayer())
        .contains("0755 9:9 u/", "0755 9:9 u/v/", "0644 9:9 u/v/bin/f \"f\"");
    // As BuildKit: a directory of an archive takes the place of a link.
    assertThat(bench.build("FROM " + debian + "\nADD files.tgz /").topLayer())
        .contains("0755 5:6 bin/", "0644 5:6 bin/f \"f\"")
        .noneMatch(line -> line.contains("usr/bin"));
    assertThat(bench.build("FROM scratch\nADD no.gz a.txt /u/").topLayer())
        .hasSize(3)
        .contains("0644 0:0 u/a.txt \"a\"");
    assertThat(bench.build("FROM scratch\nCOPY files.tgz /u/").topLayer())
        .hasSize(2)
        .anyMatch(line -> line.startsWith("0644 0:0 u/files.tgz"));
  }

  static byte[] tar() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      put(tar, new TarArchiveEntry("bin/"), null);
      put(tar, new TarArchiveEntry("bin/f"), "f");
      var hard = new TarArchiveEntry("hard", TarArchiveEntry.LF_LINK);
      hard.setLinkName("bin/f");
      put(tar, hard, null);
      var soft = new TarArchiveEntry("soft", TarArchiveEntry.LF_SYMLINK);
      soft.setLinkName("bin/f");
      put(tar, soft, null);
    }
    return bytes.toByteArray();
  }

  private static void put(TarArchiveOutputStream tar, TarArchiveEntry entry, @Nullable String text)
      throws IOException {
    byte[] content = text == null ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    entry.setIds(5, 6);
    entry.setSize(content.length);
    tar.putArchiveEntry(entry);
    tar.write(content);
    tar.closeArchiveEntry();
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    var zipped = new ByteArrayOutputStream();
    try (var out = new GZIPOutputStream(zipped)) {
      out.write(bytes);
    }
    return zipped.toByteArray();
  }
}
