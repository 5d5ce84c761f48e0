package build.kiln.runtime.build;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.WebServer.Answer;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.rootfs.ImageTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** ADD of URLs; every layer here is the one that BuildKit 0.27 makes. */
class AddUrlTest {
  private static final String HELLO = Digest.ofBytes("hello".getBytes(UTF_8)).toString();
  private static final String OTHER = Digest.ofBytes("other".getBytes(UTF_8)).toString();

  @TempDir Path folder;
  private BuildBench bench;
  private WebServer web;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("a.txt", "a");
    web = new WebServer();
    web.serve(
            "/hello.txt",
            Answer.of("hello".getBytes(UTF_8))
                .with("Last-Modified", "Fri, 18 Mar 2005 01:58:31 GMT"))
        .serve("/", "root")
        .serve("/x/a%20b", "spaced")
        .serve("/x/sub/", "slash")
        .serve("/t.tgz", Answer.of(CopyTest.gzip(CopyTest.tar())))
        .serve("/moved", Answer.of(new byte[0]).status(302).with("Location", "/hello.txt"))
        .serve(
            "/gz",
            Answer.of(CopyTest.gzip("plain".getBytes(UTF_8))).with("Content-Encoding", "gzip"))
        .serve(
            "/named",
            Answer.of("x".getBytes(UTF_8))
                .with("Content-Disposition", "attachment; filename=\"other\""))
        .serve("/empty", Answer.of(new byte[0]).status(204));
  }

  @AfterEach
  void stop() throws IOException {
    web.close();
    bench.close();
  }

  private static Arguments layer(String instructions, String... expected) {
    return Arguments.of(instructions, List.of(expected));
  }

  static Stream<Arguments> layers() {
    String x = "0755 0:0 x/";
    return Stream.of(
        layer("ADD WEB/hello.txt /x", "0600 0:0 x \"hello\""),
        layer("ADD WEB/hello.txt /x/", x, "0600 0:0 x/hello.txt \"hello\""),
        layer("ADD WEB/hello.txt /", "0600 0:0 hello.txt \"hello\""),
        layer("ADD WEB/hello.txt .", "0600 0:0 hello.txt \"hello\""),
        layer("COPY a.txt /x/\nADD WEB/hello.txt /x", x, "0600 0:0 x/hello.txt \"hello\""),
        layer("ADD WEB/ /x/", x, "0600 0:0 x/__unnamed__ \"root\""),
        layer("ADD WEB /x/", x, "0600 0:0 x/__unnamed__ \"root\""),
        layer("ADD WEB/hello.txt?q=1#frag /x/", x, "0600 0:0 x/hello.txt \"hello\""),
        layer("ADD WEB/x/a%20b /x/", x, "0600 0:0 x/a b \"spaced\""),
        layer("ADD WEB/x/sub/ /x/", x, "0600 0:0 x/sub \"slash\""),
        layer("ADD WEB/moved /x/", x, "0600 0:0 x/moved \"hello\""),
        layer("ADD WEB/gz /x/", x, "0600 0:0 x/gz \"plain\""),
        layer("ADD WEB/named /x/", x, "0600 0:0 x/named \"x\""),
        layer("ADD WEB/empty /x/", x, "0600 0:0 x/empty \"\""),
        layer(
            "ADD WEB/hello.txt a.txt /x/",
            x,
            "0644 0:0 x/a.txt \"a\"",
            "0600 0:0 x/hello.txt \"hello\""),
        layer(
            "ADD --chown=5:6 --chmod=755 WEB/hello.txt /x/",
            "0755 5:6 x/",
            "0755 5:6 x/hello.txt \"hello\""),
        layer("ADD --chmod=u+x WEB/hello.txt /x/", x, "0700 0:0 x/hello.txt \"hello\""),
        layer("ADD --exclude=hello.txt WEB/hello.txt /x/", x, "0600 0:0 x/hello.txt \"hello\""),
        layer("ADD --link WEB/hello.txt /x/", x, "0600 0:0 x/hello.txt \"hello\""),
        layer("ARG W=WEB\nADD $W/hello.txt /x", "0600 0:0 x \"hello\""),
        layer("ADD --checksum=" + HELLO + " WEB/hello.txt /x", "0600 0:0 x \"hello\""),
        layer(
            "ADD --unpack WEB/t.tgz /x",
            x,
            "0755 5:6 x/bin/",
            "0644 5:6 x/bin/f \"f\"",
            "0644 5:6 x/hard \"f\"",
            "0777 5:6 x/soft -> bin/f"),
        layer("ADD --unpack=true WEB/hello.txt /x", "0600 0:0 x \"hello\""),
        // --chmod is for files that are copied, not for what is unpacked.
        layer(
            "ADD --unpack --chmod=700 --chown=3 WEB/t.tgz /x",
            "0755 3:3 x/",
            "0755 3:3 x/bin/",
            "0644 3:3 x/bin/f \"f\"",
            "0644 3:3 x/hard \"f\"",
            "0777 3:3 x/soft -> bin/f"));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void theLayerHoldsTheFile(String instructions, List<String> expected) throws Exception {
    var built = bench.build("FROM scratch\n" + instructions.replace("WEB", web.url()));

    assertThat(built.topLayer()).isEqualTo(expected);
    assertThat(web.requests()).allMatch(request -> request.endsWith(" null"));
  }

  @Test
  void archivesAreUnpackedOnlyIfThatIsAskedFor() throws Exception {
    assertThat(bench.build("FROM scratch\nADD " + web.url() + "/t.tgz /x/").topLayer())
        .hasSize(2)
        .anyMatch(line -> line.startsWith("0600 0:0 x/t.tgz"));
  }

  @Test
  void theServerSaysHowOldTheFileIs() throws Exception {
    var built = bench.build("FROM scratch\nADD " + web.url() + "/hello.txt /x");
    EntryMeta file = ImageTree.of(bench.store().layers(), built.layers()).lookup("x").orElseThrow();
    assertThat(file.mtimeSeconds()).isEqualTo(1_111_111_111);

    var undated = bench.build("FROM scratch\nADD " + web.url() + "/ /x");
    assertThat(
            ImageTree.of(bench.store().layers(), undated.layers())
                .lookup("x")
                .orElseThrow()
                .mtimeSeconds())
        .isZero();
  }

  static Stream<Arguments> mistakes() {
    String refused = FailureReason.StepFailed.name();
    return Stream.of(
        Arguments.of(
            "ADD WEB/none.txt /x",
            "get WEB/none.txt but it is not there (status 404)",
            "2:5",
            refused),
        Arguments.of("ADD WEB/private /x", "wants credentials (status 401)", "2:5", "Unauthorized"),
        Arguments.of(
            "ADD WEB/forbidden /x", "wants credentials (status 403)", "2:5", "Unauthorized"),
        Arguments.of(
            "ADD WEB/broken /x", "fails at present (status 503)", "2:5", "SourceUnavailable"),
        Arguments.of("ADD WEB/odd /x", "answers with status 300", "2:5", refused),
        Arguments.of("ADD WEB/loop /x", "more than 10 redirects", "2:5", refused),
        Arguments.of(
            "ADD WEB/file /x", "redirected to a place that is not an http", "2:5", refused),
        Arguments.of("ADD WEB/metadata /x", "must not go", "2:5", refused),
        Arguments.of("ADD WEB/short /x", "the connection broke", "2:5", "SourceUnavailable"),
        Arguments.of(
            "ADD http://127.0.0.1:1/x /x", "the connection failed", "2:5", "SourceUnavailable"),
        Arguments.of(
            "ADD http://u:secret@127.0.0.1:1/x /x", "it holds credentials", "2:5", refused),
        Arguments.of("ADD http:///x /x", "cannot ADD this URL", "2:5", refused),
        Arguments.of("ADD WEB/x/.. /x", "ends with no file name", "2:5", refused),
        Arguments.of(
            "ADD --checksum=" + OTHER + " WEB/hello.txt /x",
            "has the digest " + HELLO + ", not " + OTHER,
            "2:16",
            refused),
        Arguments.of(
            "ADD --checksum=sha256:abc WEB/hello.txt /x",
            "no SHA-256 digest: \"sha256:abc\"",
            "2:16",
            refused),
        Arguments.of(
            "ADD --checksum=" + HELLO + " a.txt /x",
            "for URLs and Git repositories only",
            "2:16",
            refused),
        Arguments.of(
            "ADD --checksum=" + HELLO + " WEB/hello.txt WEB/ /x/",
            "one source only",
            "2:16",
            "DockerfileInvalid"),
        Arguments.of(
            "ADD --checksum=" + HELLO + " <<E /x\nE",
            "one source only",
            "2:16",
            "DockerfileInvalid"),
        Arguments.of("COPY WEB/hello.txt /x", "use ADD", "2:6", refused));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void aMistakeIsShownWhereItStands(String instruction, String what, String place, String reason) {
    web.serve("/private", Answer.of(new byte[0]).status(401))
        .serve("/forbidden", Answer.of(new byte[0]).status(403))
        .serve("/broken", Answer.of("x".repeat(100_000).getBytes(UTF_8)).status(503))
        .serve("/odd", Answer.of("x".getBytes(UTF_8)).status(300))
        .serve("/loop", Answer.of(new byte[0]).status(301).with("Location", "/loop"))
        .serve("/file", Answer.of(new byte[0]).status(302).with("Location", "file:///etc/passwd"))
        .serve(
            "/metadata",
            Answer.of(new byte[0]).status(302).with("Location", "http://169.254.169.254/latest"))
        .serve("/short", Answer.of("half".getBytes(UTF_8)).announcing(1000));

    BuildException failed =
        catchThrowableOfType(
            BuildException.class,
            () -> bench.build("FROM scratch\n" + instruction.replace("WEB", web.url())));

    assertThat(failed)
        .hasMessageContaining("Dockerfile:" + place)
        .hasMessageContaining("^")
        .hasMessageContaining(what.replace("WEB", web.url()));
    assertThat(failed.reason().name()).isEqualTo(reason);
    assertThat(failed.getMessage()).hasSizeLessThan(1000);
  }

  @Test
  void theKeyIsTheContent() throws Exception {
    assertThat(cached("ADD " + web.url() + "/hello.txt /x")).isFalse();
    assertThat(cached("ADD " + web.url() + "/hello.txt /x")).isTrue();
    // Neither the query nor the time counts.
    web.serve("/hello.txt", "hello");
    assertThat(cached("ADD " + web.url() + "/hello.txt?v=2 /x")).isTrue();
    assertThat(cached("ADD --unpack " + web.url() + "/hello.txt /x")).isFalse();
    assertThat(cached("ADD --chmod=644 " + web.url() + "/hello.txt /x")).isFalse();
    web.serve("/hello.txt", "changed");
    assertThat(cached("ADD " + web.url() + "/hello.txt /x")).isFalse();
  }

  @Test
  void aKnownDigestNeedsNoServer() throws Exception {
    String instruction = "ADD --checksum=" + HELLO + " " + web.url() + "/hello.txt /x";
    assertThat(cached(instruction)).isFalse();
    assertThat(web.requests()).hasSize(1);
    web.close();

    assertThat(cached(instruction)).isTrue();
    assertThat(web.requests()).hasSize(1);
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    bench.build("FROM scratch\nADD " + web.url() + "/hello.txt " + web.url() + "/ /x/");
    bench.build("FROM scratch\nADD " + web.url() + "/hello.txt " + web.url() + "/ /x/");

    Path scratch = bench.store().scratch("probe");
    try (var left = Files.list(scratch.resolve(".."))) {
      assertThat(left.map(p -> p.getFileName().toString()))
          .noneMatch(name -> name.startsWith("url-") || name.startsWith("add-"));
    }
  }

  /** Whether the last step of a build came from the cache. */
  private boolean cached(String instruction) throws Exception {
    bench.build("FROM scratch\n" + instruction);
    return bench.lastStepCached();
  }
}
