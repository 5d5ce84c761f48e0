package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.registry.embedded.RequestLog;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What comes is verified, and what breaks is taken up again. */
class DownloadTest {
  private static final int SIZE = 3_000_000;

  private Bench bench;
  private RegistryClient client;
  private Reference repository;
  private byte[] bytes;
  private Descriptor blob;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
    client = bench.client();
    repository = bench.ref("a");
    bytes = Bench.bytes(SIZE, 7);
    blob = Bench.push(client, repository, bytes);
    bench.registry.requests().clear();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    bench.close();
  }

  private byte[] read() throws IOException {
    try (InputStream in = client.openBlob(repository, blob)) {
      return in.readAllBytes();
    }
  }

  private static void assertCode(Throwable thrown, Code code) {
    assertThat(thrown).isInstanceOf(RegistryException.class);
    assertThat(((RegistryException) thrown).code()).isEqualTo(code);
  }

  @Test
  void aBrokenConnectionIsResumedWhereItBroke() throws IOException {
    bench
        .registry
        .faults()
        .once("GET", "/blobs/", Fault.cutAnswer(1_000_000))
        .once("GET", "/blobs/", Fault.cutAnswer(500_000));

    assertThat(read()).isEqualTo(bytes);

    assertThat(bench.registry.requests().matching("GET", "/blobs/"))
        .extracting(r -> r.header("Range"))
        .containsExactly(
            Optional.empty(), Optional.of("bytes=1000000-"), Optional.of("bytes=1500000-"));
    assertThat(bench.waits).hasSize(2);
  }

  @Test
  void aServerWithoutRangesSendsAllOfItAgain() throws IOException {
    bench
        .registry
        .faults()
        .once("GET", "/blobs/", Fault.cutAnswer(1_000_000))
        .once(
            "GET",
            "/blobs/",
            new Fault.Instead(
                http -> {
                  http.sendResponseHeaders(200, SIZE);
                  http.getResponseBody().write(bytes);
                }));

    assertThat(read()).isEqualTo(bytes);
  }

  @Test
  void aServerThatResumesAtAnotherByteIsNotBelieved() throws IOException {
    bench.registry.faults().once("GET", "/blobs/", Fault.cutAnswer(1_000_000));
    bench
        .registry
        .faults()
        .once(
            "GET",
            "/blobs/",
            new Fault.Instead(
                http -> {
                  http.getResponseHeaders().set("Content-Range", "bytes 1000001-2999999/3000000");
                  http.sendResponseHeaders(206, SIZE - 1_000_001);
                  http.getResponseBody().write(bytes, 1_000_001, SIZE - 1_000_001);
                }));

    assertThat(read()).isEqualTo(bytes);
    assertThat(bench.registry.requests().count("GET", "/blobs/")).isEqualTo(3);
  }

  @Test
  void aConnectionThatBreaksAtTheSameByteForeverIsGivenUp() {
    bench.registry.faults().always("GET", "/blobs/", Fault.cutAnswer(0));

    assertThatThrownBy(this::read)
        .satisfies(e -> assertCode(e, Code.UNAVAILABLE))
        .hasMessageContaining("at byte 0 of 3000000");
  }

  @Test
  void wrongContentIsFoundOutBeforeItsLastByteIsHandedOut() throws IOException {
    bench.registry.faults().once("GET", "/blobs/", Fault.corruptAnswer());

    try (InputStream in = client.openBlob(repository, blob)) {
      byte[] all = new byte[SIZE];
      assertThatThrownBy(() -> in.readNBytes(all, 0, SIZE))
          .satisfies(e -> assertCode(e, Code.INVALID))
          .hasMessageContaining("its content is sha256:");
      assertThatThrownBy(in::read).hasMessageContaining("closed");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {SIZE - 1, SIZE + 1, 0})
  void anotherSizeThanTheManifestSaysIsRefusedAtOnce(int size) {
    Descriptor lying = Descriptor.of(MediaTypes.OCI_LAYER, blob.digest(), size);

    assertThatThrownBy(() -> client.openBlob(repository, lying))
        .satisfies(e -> assertCode(e, Code.INVALID));
  }

  @Test
  void aBodyWithoutLengthThatIsTooLongIsRefused() throws IOException {
    bench
        .registry
        .faults()
        .once(
            "GET",
            "/blobs/",
            new Fault.Instead(
                http -> {
                  http.sendResponseHeaders(200, 0);
                  http.getResponseBody().write(bytes);
                  http.getResponseBody().write(1);
                  http.getResponseBody().close();
                }));

    assertThatThrownBy(this::read)
        .satisfies(e -> assertCode(e, Code.INVALID))
        .hasMessageContaining("longer than 3000000");
  }

  @Test
  void sha512IsADigestToo() throws IOException {
    byte[] small = "x".getBytes(StandardCharsets.UTF_8);
    Digest sha512 = Digest.parse("sha512:" + "0".repeat(128));
    Digest digest = new Digest("sha512", HexFormat.of().formatHex(sha512.newHash().digest(small)));
    Descriptor wanted = Descriptor.of(MediaTypes.OCI_LAYER, digest, 1);
    client.pushBlob(repository, wanted, BlobSource.of(small), List.of());

    try (InputStream in = client.openBlob(repository, wanted)) {
      assertThat(in.readAllBytes()).isEqualTo(small);
    }
  }

  @Test
  void aBlobThatIsNotThereIsNotFound() {
    Descriptor other = Descriptor.of(MediaTypes.OCI_LAYER, Bench.unknownDigest(), 3);

    assertThatThrownBy(() -> client.openBlob(repository, other))
        .satisfies(e -> assertCode(e, Code.NOT_FOUND));
    assertThat(bench.waits).isEmpty();
  }

  @Test
  void aRedirectIsFollowedWithRangeButWithoutAuthorization() throws IOException {
    Credentials secret = ref -> Optional.of(new Credential.RegistryToken("registry-secret"));
    try (EmbeddedRegistry store = EmbeddedRegistry.start();
        RegistryClient withSecret = bench.client(secret)) {
      store.faults().once("GET", "/signed", cutStore(1_000_000)).always("GET", "/signed", store());
      bench
          .registry
          .faults()
          .always(
              "GET",
              "/blobs/",
              Fault.status(307, Map.of("Location", store.uri() + "/signed/x%2Fy?sig=a%2Bb|c&e=1")));

      try (InputStream in = withSecret.openBlob(repository, blob)) {
        assertThat(in.readAllBytes()).isEqualTo(bytes);
      }

      List<RequestLog.Request> toStore = store.requests().matching("GET", "/signed");
      assertThat(toStore).hasSize(2).allMatch(r -> r.header("Authorization").isEmpty());
      assertThat(toStore.getFirst().uri()).hasToString("/signed/x%2Fy?sig=a%2Bb%7Cc&e=1");
      assertThat(toStore.getLast().header("Range")).contains("bytes=1000000-");
      assertThat(bench.registry.requests().matching("GET", "/blobs/"))
          .allMatch(r -> r.header("Authorization").equals(Optional.of("Bearer registry-secret")));
    }
  }

  private Fault store() {
    return new Fault.Instead(
        http -> {
          String range = http.getRequestHeaders().getFirst("Range");
          int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
          if (from > 0) {
            http.getResponseHeaders()
                .set("Content-Range", "bytes " + from + "-" + (SIZE - 1) + "/" + SIZE);
          }
          http.sendResponseHeaders(from > 0 ? 206 : 200, SIZE - from);
          http.getResponseBody().write(bytes, from, SIZE - from);
        });
  }

  private Fault cutStore(int after) {
    return new Fault.Instead(
        http -> {
          http.sendResponseHeaders(200, SIZE);
          http.getResponseBody().write(bytes, 0, after);
          http.getResponseBody().flush();
        });
  }

  @Test
  void redirectsThatNeverEndAreAnError() {
    bench
        .registry
        .faults()
        .always("GET", "/blobs/", Fault.status(302, Map.of("Location", "/v2/a/blobs/x")));

    assertThatThrownBy(() -> client.openBlob(repository, blob))
        .satisfies(e -> assertCode(e, Code.INVALID))
        .hasMessageContaining("more than 10");
  }

  @ParameterizedTest
  @CsvSource({
    "http://169.254.169.254/latest/meta-data/iam/x",
    "http://[fe80::1]/x",
    "http://100.100.100.200/x",
    "http://metadata.google.internal/x",
    "file:///etc/passwd",
    "ftp://localhost/x",
    "http://user:secret@localhost/x"
  })
  void nobodySendsUsToTheMetadataServiceOrAway(String target) {
    bench.registry.faults().always("GET", "/blobs/", Fault.status(307, Map.of("Location", target)));

    assertThatThrownBy(() -> client.openBlob(repository, blob))
        .satisfies(e -> assertCode(e, Code.INVALID))
        .hasMessageNotContaining("secret");
  }

  @Test
  void manifestsAreVerified() throws IOException {
    Reference tag = bench.ref("a:1");
    Descriptor pushed = Bench.pushImage(client, tag, "{}");
    bench.registry.faults().times(2, "GET", "/manifests/", Fault.corruptAnswer());

    assertThatThrownBy(() -> client.fetchManifest(tag.withDigest(pushed.digest())))
        .satisfies(e -> assertCode(e, Code.INVALID));
    assertThatThrownBy(() -> client.fetchManifest(tag)).satisfies(e -> assertCode(e, Code.INVALID));
    assertThat(client.fetchManifest(tag).descriptor()).isEqualTo(pushed);
  }

  private static final String OCI = "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          application/vnd.oci.image.manifest.v1+json; charset=utf-8 | {} | application/vnd.oci.image.manifest.v1+json
          application/json | {"schemaVersion":2,"config":{},"layers":[]} | application/vnd.oci.image.manifest.v1+json
          text/plain | {"schemaVersion":2,"manifests":[]} | application/vnd.oci.image.index.v1+json
          application/octet-stream | {"mediaType":"application/vnd.docker.distribution.manifest.v2+json"} | application/vnd.docker.distribution.manifest.v2+json
          application/vnd.oci.image.manifest.v1+json | {"mediaType":"application/vnd.oci.image.index.v1+json"} | INVALID
          application/json | {"schemaVersion":2} | INVALID
          application/json | <html> | INVALID
          application/vnd.docker.distribution.manifest.v1+prettyjws | {} | UNSUPPORTED
          application/json | {"schemaVersion":1,"fsLayers":[]} | UNSUPPORTED
          """)
  void theMediaTypeIsTheHeadersOrTheDocuments(String header, String body, String expected)
      throws IOException {
    bench.registry.faults().always("GET", "/manifests/", Fault.content(header, body));
    try {
      FetchedManifest fetched = client.fetchManifest(bench.ref("a:1"));
      assertThat(fetched.descriptor().mediaType()).isEqualTo(expected);
      assertThat(fetched.descriptor().digest()).isEqualTo(Digest.ofBytes(fetched.bytes()));
    } catch (RegistryException e) {
      assertThat(e.code().name()).isEqualTo(expected);
      if (e.code() == Code.UNSUPPORTED) {
        assertThat(e).hasMessageContaining("schema 1");
      }
    }
  }

  @Test
  void headAsksForTheManifestWhereTheHeadersDoNotTell() throws IOException {
    bench.registry.faults().always("*", "/manifests/", Fault.content(MediaTypes.OCI_MANIFEST, OCI));

    assertThat(client.head(bench.ref("a:1")))
        .contains(
            Descriptor.ofBytes(MediaTypes.OCI_MANIFEST, OCI.getBytes(StandardCharsets.UTF_8)));
    assertThat(bench.registry.requests().count("GET", "/manifests/")).isEqualTo(1);
  }

  @Test
  void largeManifestsAreRead() throws IOException {
    Descriptor config = Bench.push(client, repository, new byte[] {'{', '}'});
    String padding = "x".repeat(5 << 20);
    byte[] manifest =
        new String(Bench.manifest(config), StandardCharsets.UTF_8)
            .replaceFirst("\\{", "{\"annotations\":{\"a\":\"" + padding + "\"},")
            .getBytes(StandardCharsets.UTF_8);
    client.pushManifest(bench.ref("a:big"), manifest, MediaTypes.OCI_MANIFEST);

    assertThat(client.fetchManifest(bench.ref("a:big")).bytes()).isEqualTo(manifest);
  }
}
