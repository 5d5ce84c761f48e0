package build.kiln.runtime.registry;

import static build.kiln.runtime.registry.Scripted.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult.How;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client makes of a registry that is not well. */
class FaultsTest {
  private Bench bench;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
    client = bench.client();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    bench.close();
  }

  private static void assertCode(Throwable thrown, Code code) {
    assertThat(thrown).isInstanceOf(RegistryException.class);
    assertThat(((RegistryException) thrown).code()).isEqualTo(code);
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void aBurstOfWhatMayPassIsWaitedOutWithJitter(int status) throws IOException {
    Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{}");
    bench.registry.faults().times(3, "GET", "/manifests/", Fault.status(status));

    assertThat(client.fetchManifest(bench.ref("a:1")).descriptor()).isEqualTo(image);

    assertThat(bench.waits).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(bench.waits.get(i))
          .isBetween(Duration.ofMillis(250L << i), Duration.ofMillis(500L << i));
    }
  }

  /** Distribution 2 says it of an index while a child of it is being written anew. */
  @Test
  void aDigestThatIsRightIsSaidAgain() throws IOException {
    Fault refusal = Fault.error(400, "DIGEST_INVALID", "provided digest did not match");
    bench.registry.faults().times(2, "PUT", "/manifests/", refusal);

    Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{}");

    assertThat(bench.waits).hasSize(2);
    assertThat(client.fetchManifest(bench.ref("a:1")).descriptor()).isEqualTo(image);

    bench.registry.faults().always("PUT", "/manifests/", refusal);
    assertThatThrownBy(() -> Bench.pushImage(client, bench.ref("a:2"), "{}"))
        .hasMessageContaining("DIGEST_INVALID")
        .satisfies(thrown -> assertCode(thrown, Code.INVALID));
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 403, 404, 405, 501})
  void whatWillNotPassIsNotRepeated(int status) {
    bench.registry.faults().always("GET", "/manifests/", Fault.status(status));
    assertThatThrownBy(() -> client.fetchManifest(bench.ref("a:1")))
        .isInstanceOf(RegistryException.class);
    assertThat(bench.registry.requests().count("GET", "/manifests/")).isEqualTo(1);
  }

  @Test
  void afterFiveTriesItIsSaid() {
    bench.registry.faults().always("GET", "/manifests/", Fault.status(503));
    assertThatThrownBy(() -> client.fetchManifest(bench.ref("a:1")))
        .satisfies(e -> assertCode(e, Code.UNAVAILABLE))
        .hasMessageContaining("status 503")
        .hasMessageContaining("tried 5 times");
  }

  @Test
  void retryAfterIsObeyedInSecondsAndAsADate() throws IOException {
    Bench.pushImage(client, bench.ref("a:1"), "{}");
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            bench.clock.instant().plusSeconds(30).atOffset(ZoneOffset.UTC));
    bench
        .registry
        .faults()
        .once("GET", "/manifests/", Fault.status(429, Map.of("Retry-After", "7")))
        .once("GET", "/manifests/", Fault.status(503, Map.of("Retry-After", date)))
        .once("GET", "/manifests/", Fault.status(429, Map.of("RateLimit-Reset", "11;w=60")))
        .once(
            "GET",
            "/manifests/",
            Fault.status(429, Map.of("RateLimit", "\"burst\";r=0;t=13;pk=:a:")));

    client.fetchManifest(bench.ref("a:1"));

    // The date is counted from when it came, seven seconds later.
    assertThat(bench.waits).extracting(Duration::toSeconds).containsExactly(7L, 23L, 11L, 13L);
  }

  @Test
  void aWaitOfHoursIsTheCallersToDecide() {
    bench
        .registry
        .faults()
        .always(
            "GET",
            "/manifests/",
            Fault.status(429, Map.of("Retry-After", "21600", "RateLimit-Limit", "100;w=21600")));
    assertThatThrownBy(() -> client.fetchManifest(bench.ref("a:1")))
        .satisfies(e -> assertCode(e, Code.UNAVAILABLE))
        .hasMessageContaining("limit 100 in 6 h")
        .hasMessageContaining("it asks to wait 21600 s");
    assertThat(bench.waits).isEmpty();
  }

  /** Some registries, and object stores behind them, say 403 of what is not there. */
  @Test
  void a403OnHeadMeansThatABlobIsSent() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    bench.registry.faults().once("HEAD", "/blobs/", Fault.status(403));

    PushResult pushed =
        client.pushBlob(bench.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of());

    assertThat(pushed.how()).isEqualTo(How.UPLOADED);
  }

  @Test
  void connectionsCutAtRandomBytesLoseNothing() throws IOException {
    byte[] bytes = Bench.bytes(2_000_000, 3);
    Descriptor blob = Bench.push(client, bench.ref("a"), bytes);
    var random = new Random(4);
    for (int i = 0; i < 20; i++) {
      bench.registry.faults().clear();
      int cuts = random.nextInt(1, 4);
      for (int j = 0; j < cuts; j++) {
        bench
            .registry
            .faults()
            .once("GET", "/blobs/", Fault.cutAnswer(random.nextInt(bytes.length / 4)))
            .once("PUT", "/uploads/", Fault.cutRequest(random.nextInt(bytes.length)));
      }
      try (InputStream in = client.openBlob(bench.ref("a"), blob)) {
        assertThat(in.readAllBytes()).isEqualTo(bytes);
      }
      Reference target = bench.ref("target" + i);
      PushResult pushed = client.pushBlob(target, blob, BlobSource.of(bytes), List.of());
      assertThat(pushed).isEqualTo(new PushResult(How.UPLOADED, bytes.length));
      try (InputStream in = client.openBlob(target, blob)) {
        assertThat(in.readAllBytes()).isEqualTo(bytes);
      }
    }
  }

  @Test
  void aManifestThatIsCutOffIsAskedForAgain() throws IOException {
    Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{}");
    bench.registry.faults().once("GET", "/manifests/", Fault.cutAnswer(10));
    assertThat(client.fetchManifest(bench.ref("a:1")).descriptor()).isEqualTo(image);
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"tags\":[\"a\",',            its answer is not JSON",
    "'<html>maintenance</html>',   its answer is not JSON",
  })
  void truncatedListsAreNotBelieved(String body, String reason) {
    bench.registry.faults().always("GET", "tags/list", Fault.content("application/json", body));
    assertThatThrownBy(() -> client.listTags(bench.ref("a")))
        .satisfies(e -> assertCode(e, Code.INVALID))
        .hasMessageContaining(reason);
  }

  @Test
  void aTruncatedManifestIsNotBelieved() {
    bench
        .registry
        .faults()
        .always(
            "GET", "/manifests/", Fault.content(MediaTypes.OCI_MANIFEST, "{\"schemaVersion\":2"));
    assertThatThrownBy(() -> client.fetchManifest(bench.ref("a:1")))
        .satisfies(e -> assertCode(e, Code.INVALID))
        .hasMessageContaining("not JSON");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<>; rel=\"next\"",
        "<http://[::1>; rel=\"next\"",
        "<ftp://elsewhere.example/x>; rel=\"next\"",
        "<http://user:pw@elsewhere.example/x>; rel=\"next\"",
      })
  void aBrokenLinkIsNoEnd(String link) {
    bench
        .registry
        .faults()
        .always(
            "GET", "tags/list", new Fault.Answer(200, Map.of("Link", link), "{\"tags\":[\"x\"]}"));
    assertThatThrownBy(() -> client.listTags(bench.ref("a")))
        .satisfies(e -> assertCode(e, Code.INVALID));
  }

  /** As registries behind a proxy write it, which do not know the name they are called by. */
  @Test
  void aLinkToAnotherHostIsFollowedAtTheRegistryItself() throws IOException {
    bench
        .registry
        .faults()
        .once(
            "GET",
            "tags/list",
            new Fault.Answer(
                200,
                Map.of("Link", "<http://registry.internal:5000/v2/a/tags/list?last=x>; rel=next"),
                "{\"tags\":[\"x\"]}"))
        .once("GET", "tags/list", Fault.content("application/json", "{\"tags\":[\"y\"]}"));

    assertThat(client.listTags(bench.ref("a"))).containsExactly("x", "y");
    assertThat(bench.registry.requests().matching("GET", "tags/list").getLast().uri().getQuery())
        .isEqualTo("last=x");
  }

  @Test
  void pagesWithoutEndAreGivenUp() {
    bench
        .registry
        .faults()
        .always(
            "GET",
            "tags/list",
            new Fault.Instead(
                http -> {
                  String again = "</v2/a/tags/list?x=" + System.nanoTime() + ">; rel=\"next\"";
                  answer(200, "{\"tags\":[\"x\"]}", "Link", again).handle(http);
                }));
    assertThatThrownBy(() -> client.listTags(bench.ref("a"))).hasMessageContaining("10000 pages");
  }

  @Test
  void aManifestOf4MbIsMovedAndOneOf40MbIsRefused() throws IOException {
    Descriptor config = Bench.push(client, bench.ref("a"), new byte[] {'{', '}'});
    for (int mib : new int[] {4, 40}) {
      String pad = "x".repeat(mib << 20);
      byte[] bytes =
          new String(Bench.manifest(config), StandardCharsets.UTF_8)
              .replaceFirst("\\{", "{\"annotations\":{\"pad\":\"" + pad + "\"},")
              .getBytes(StandardCharsets.UTF_8);
      if (mib == 4) {
        client.pushManifest(bench.ref("a:1"), bytes, MediaTypes.OCI_MANIFEST);
        assertThat(client.fetchManifest(bench.ref("a:1")).bytes()).isEqualTo(bytes);
      } else {
        bench
            .registry
            .faults()
            .always(
                "GET",
                "/manifests/",
                Fault.content(MediaTypes.OCI_MANIFEST, new String(bytes, StandardCharsets.UTF_8)));
        assertThatThrownBy(() -> client.fetchManifest(bench.ref("a:1")))
            .satisfies(e -> assertCode(e, Code.INVALID))
            .hasMessageContaining("larger than 32 MiB");
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "507, '',                                            UNAVAILABLE",
    "500, '{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"no space left on device\"}]}', UNAVAILABLE",
    "403, '{\"errors\":[{\"code\":\"DENIED\",\"message\":\"quota exceeded\"}]}',           DENIED",
  })
  void aFullDestinationIsToldInItsWords(int status, String body, Code code) {
    byte[] bytes = Bench.bytes(100, 1);
    bench.registry.faults().always("PUT", "/uploads/", new Fault.Answer(status, Map.of(), body));
    assertThatThrownBy(
            () ->
                client.pushBlob(bench.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of()))
        .satisfies(e -> assertCode(e, code))
        .hasMessageContaining(
            body.isEmpty() ? "507" : body.replaceAll(".*message\":\"([^\"]*).*", "$1"));
  }

  @Test
  void aServerThatDripsIsGivenUp() {
    var nanos = new AtomicLong();
    InputStream drip =
        new InputStream() {
          @Override
          public int read() {
            nanos.addAndGet(Duration.ofSeconds(5).toNanos());
            return 'x';
          }

          @Override
          public int read(byte[] buffer, int offset, int length) {
            buffer[offset] = (byte) read();
            return 1;
          }
        };
    var paced = new Pacing(drip, Duration.ofSeconds(60), nanos::get);
    assertThatThrownBy(paced::readAllBytes)
        .isInstanceOf(IOException.class)
        .hasMessage("it sent only 12 bytes in 60 s");
  }

  @Test
  void aSlowReaderIsNotASlowServer() throws IOException {
    var nanos = new AtomicLong();
    var paced =
        new Pacing(new ByteArrayInputStream(new byte[100]), Duration.ofSeconds(60), nanos::get);
    for (int i = 0; i < 100; i++) {
      assertThat(paced.read()).isZero();
      nanos.addAndGet(Duration.ofMinutes(10).toNanos());
    }
    assertThat(paced.read()).isEqualTo(-1);
  }

  @Test
  void tooManyRequestsHalveWhatGoesAtOnce() throws Exception {
    var limit = new HostLimit(8);
    limit.answered(429);
    assertThat(limit.allowed()).isEqualTo(4);
    limit.answered(429);
    limit.answered(429);
    limit.answered(429);
    assertThat(limit.allowed()).isEqualTo(1);
    for (int i = 0; i < 20; i++) {
      limit.answered(200);
    }
    assertThat(limit.allowed()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"0, 3", "20000000, 2", "40000000, 1"})
  void aBlobThatIsTooLargeForOneRequestGoesInChunks(long least, int chunks) throws IOException {
    byte[] bytes = Bench.bytes(40_000_000, 1);
    Descriptor blob = Bench.blob(bytes);
    try (var server = new ChunkServer(least)) {
      PushResult pushed = client.pushBlob(server.ref("a"), blob, BlobSource.of(bytes), List.of());
      assertThat(pushed.how()).isEqualTo(How.UPLOADED);
      assertThat(server.chunks).hasSize(chunks);
      assertThat(server.chunks.getFirst()).isGreaterThanOrEqualTo(Math.min(least, 16 << 20));
      assertThat(server.chunks.stream().mapToLong(Long::longValue).sum()).isEqualTo(bytes.length);
    }
  }

  @Test
  void chunksThatWouldNotFitIntoMemoryAreRefused() {
    Descriptor blob = Descriptor.of(MediaTypes.OCI_LAYER, Bench.unknownDigest(), 2L << 30);
    assertThatThrownBy(() -> ChunkedUpload.chunkSize(1 << 24, 1L << 30, blob))
        .satisfies(e -> assertCode(e, Code.UNSUPPORTED))
        .hasMessageContaining("wants chunks of 1073741824 bytes");
  }

  /** Takes no body in one PUT, and says how long chunks must be. */
  private static final class ChunkServer implements AutoCloseable {
    final List<Long> chunks = new CopyOnWriteArrayList<>();
    private final Scripted server = new Scripted();

    ChunkServer(long least) throws IOException {
      String session = "/v2/a/blobs/uploads/1";
      server.on("GET", "/v2/", answer(200, "{}"));
      server.on(
          "POST",
          "/v2/a/blobs/uploads/",
          answer(202, "", "Location", session + "?state=s", "OCI-Chunk-Min-Length", "" + least));
      server.once("PUT", session, answer(413, ""));
      server.on(
          "PATCH",
          session,
          http -> {
            String[] range = http.getRequestHeaders().getFirst("Content-Range").split("-", -1);
            chunks.add(Long.parseLong(range[1]) - Long.parseLong(range[0]) + 1);
            answer(202, "", "Location", session + "?state=t", "Range", "0-" + range[1])
                .handle(http);
          });
      server.on("PUT", session, answer(201, ""));
    }

    Reference ref(String name) {
      return server.ref(name);
    }

    @Override
    public void close() {
      server.close();
    }
  }

  @Test
  void aChunkThatIsPartlyThereIsFinishedAfterA416() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    String session = "/v2/a/blobs/uploads/1";
    try (var server = new Scripted()) {
      server.on("GET", "/v2/", answer(200, "{}"));
      server.on("POST", "/v2/a/blobs/uploads/", answer(202, "", "Location", session));
      server.once("PUT", session, answer(413, ""));
      server.once("PATCH", session, answer(416, ""));
      server.on("GET", session, answer(204, "", "Range", "0-399", "Location", session + "?s=2"));
      server.on("PATCH", session, answer(202, "", "Location", session, "Range", "0-999"));
      server.on("PUT", session, answer(201, ""));

      client.pushBlob(server.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of());

      assertThat(server.seen("PATCH", session))
          .extracting(s -> s.body().length())
          .containsExactly(1000, 600);
      assertThat(Optional.of(server.seen("PATCH", session).getLast().uri().getQuery()))
          .contains("s=2");
    }
  }

  @Test
  void anUploadThatARegistryForgotIsBegunAgain() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    bench
        .registry
        .faults()
        .once("PUT", "/uploads/", Fault.error(404, "BLOB_UPLOAD_UNKNOWN", "who?"));
    PushResult pushed =
        client.pushBlob(bench.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of());
    assertThat(pushed.how()).isEqualTo(How.UPLOADED);
    assertThat(bench.registry.requests().count("POST", "/uploads/")).isEqualTo(2);
  }
}
