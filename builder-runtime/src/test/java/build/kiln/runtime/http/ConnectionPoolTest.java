package build.kiln.runtime.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.http.RawServer.Talk;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ConnectionPoolTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofMillis(200);
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  private static final String TOO_LARGE = "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nfull";
  private static final String NO_CONTENT = "HTTP/1.1 204 No Content\r\n\r\n";

  private static final Dialer.Tls NO_TLS =
      (plain, host, port) -> {
        throw new IOException("no TLS here");
      };

  private final AtomicLong nanos = new AtomicLong();
  private final ConnectionPool pool = pool(LONG);

  private ConnectionPool pool(Duration idle) {
    var dialer = new Dialer(InetAddress::getAllByName, NO_TLS, LONG, LONG);
    return new ConnectionPool(dialer, idle, nanos::get);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @AfterEach
  void closePool() {
    pool.close();
  }

  private static Route route(RawServer server) {
    return new Route(false, "127.0.0.1", server.port(), null);
  }

  private static Request request(String method, Request.@Nullable Content content) {
    return new Request(method, "/v2/a?b=%2F", "registry.example", Map.of(), content);
  }

  private static Request get() {
    return request("GET", null);
  }

  private Response ask(RawServer server, Request request) throws IOException {
    return pool.exchange(route(server), request, LONG);
  }

  private String text(RawServer server, Request request) throws IOException {
    try (Response response = ask(server, request)) {
      return new String(response.body().readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  /** Content that is written in pieces. */
  private record Pieces(long length, List<String> pieces) implements Request.Content {
    @Override
    public void writeTo(OutputStream out) throws IOException {
      for (String piece : pieces) {
        out.write(piece.getBytes(StandardCharsets.ISO_8859_1));
      }
    }

    static Pieces of(String... pieces) {
      return new Pieces(
          Arrays.stream(pieces).mapToInt(String::length).sum(), Arrays.asList(pieces));
    }
  }

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> BODIES =
      List.of(
          Arguments.of("a length", "Content-Length: 5\r\n\r\nhelloX", "hello"),
          Arguments.of(
              "said twice", "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhelloX", "hello"),
          Arguments.of("said twice in a line", "Content-Length: 5, 5\r\n\r\nhelloX", "hello"),
          Arguments.of("nothing", "Content-Length: 0\r\n\r\n", ""),
          Arguments.of("until the end", "X: y\r\n\r\nhello", "hello"),
          Arguments.of(
              "chunks",
              "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
              "hello"),
          Arguments.of(
              "extensions, trailers, capitals and zeroes",
              "Transfer-Encoding: Chunked\r\n\r\n00A; a=b\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
              "0123456789"),
          Arguments.of("no chunk", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
          Arguments.of(
              "chunks go before a length",
              "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\n\r\n",
              "h"),
          Arguments.of("line feeds alone", "Content-Length: 5\n\nhello", "hello"),
          Arguments.of("a header that goes on", "X: a\r\n b\r\nContent-Length: 1\r\n\r\nh", "h"),
          Arguments.of("a long header", "X: " + "y".repeat(100_000) + "\r\n\r\nh", "h"));

  @ParameterizedTest(name = "{0}")
  @FieldSource("BODIES")
  void bodiesAreReadAsTheirHeadSays(String name, String rest, String body) throws IOException {
    try (var server = RawServer.of(talk -> talk.send("HTTP/1.1 200 OK\r\n" + rest).head())) {
      assertThat(text(server, get())).isEqualTo(body);
    }
  }

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> BROKEN =
      List.of(
          Arguments.of("", EOFException.class, "without an answer"),
          Arguments.of("HTTP/1.1 200 O", EOFException.class, "in the middle of an answer"),
          Arguments.of("HTTP/1.1 200 OK\r\nA: b\r\n", EOFException.class, "in the middle"),
          Arguments.of("SSH-2.0-OpenSSH_9.2\r\n\r\n", ProtocolException.class, "SSH-2.0"),
          Arguments.of("HTTP/2 200\r\n\r\n", ProtocolException.class, "HTTP/2 200"),
          Arguments.of("HTTP/1.1 2x0 OK\r\n\r\n", ProtocolException.class, "2x0"),
          Arguments.of("HTTP/1.1 2000 OK\r\n\r\n", ProtocolException.class, "2000"),
          Arguments.of("HTTP/1.1 101 Other\r\n\r\n", ProtocolException.class, "another protocol"),
          Arguments.of(
              "HTTP/1.1 200 OK\r\nno header\r\n\r\n", ProtocolException.class, "no header"),
          Arguments.of("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", ProtocolException.class, "A : b"),
          Arguments.of("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", ProtocolException.class, "A B: c"),
          Arguments.of("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", ProtocolException.class, "no header"),
          Arguments.of("HTTP/1.x 200 OK\r\n\r\n", ProtocolException.class, "HTTP/1.x"),
          Arguments.of(
              head("Transfer-Encoding: chunked") + "0\r\n" + "A: b\r\n".repeat(200),
              ProtocolException.class,
              "trailers"),
          Arguments.of("HTTP/1.1 200 OK\r\n goes on\r\n\r\n", ProtocolException.class, "goes on"),
          Arguments.of(
              head("Content-Length: 3\r\nContent-Length: 4"), ProtocolException.class, "4"),
          Arguments.of(head("Content-Length: -1"), ProtocolException.class, "-1"),
          Arguments.of(head("Content-Length: 1a"), ProtocolException.class, "1a"),
          Arguments.of(head("Content-Length: " + "9".repeat(19)), ProtocolException.class, "99"),
          Arguments.of(head("Transfer-Encoding: gzip"), ProtocolException.class, "gzip"),
          Arguments.of(head("Transfer-Encoding: gzip, chunked"), ProtocolException.class, "gzip"),
          Arguments.of(head("Content-Length: 5") + "hell", EOFException.class, "4 of 5 bytes"),
          Arguments.of(head("Transfer-Encoding: chunked"), EOFException.class, "ended"),
          Arguments.of(
              head("Transfer-Encoding: chunked") + "5\r\nhel", EOFException.class, "chunk"),
          Arguments.of(
              head("Transfer-Encoding: chunked") + "2\r\nhel\r\n",
              ProtocolException.class,
              "longer"),
          Arguments.of(
              head("Transfer-Encoding: chunked") + "-1\r\n", ProtocolException.class, "a size"),
          Arguments.of(
              head("Transfer-Encoding: chunked") + "f".repeat(16) + "\r\n",
              ProtocolException.class,
              "a size"),
          Arguments.of(
              "HTTP/1.1 200 OK\r\nX: " + "y".repeat(140_000), ProtocolException.class, "128 KiB"),
          Arguments.of(
              "HTTP/1.1 100 Continue\r\n\r\n".repeat(30), ProtocolException.class, "to an answer"));

  private static String head(String lines) {
    return "HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n";
  }

  @ParameterizedTest
  @FieldSource("BROKEN")
  void whatIsNoAnswerIsSaid(String bytes, Class<? extends IOException> type, String message)
      throws IOException {
    try (var server = RawServer.of(talk -> talk.send(bytes).head())) {
      assertThatThrownBy(() -> text(server, get()))
          .isInstanceOf(type)
          .hasMessageContaining(message);
    }
  }

  @Test
  void answersWithoutABodyLeaveTheConnectionForTheNext() throws IOException {
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
              talk.head();
              talk.send(NO_CONTENT);
              talk.head();
              talk.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
              talk.head();
              talk.send(
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + OK);
              talk.head();
            })) {
      try (Response head = ask(server, request("HEAD", null))) {
        assertThat(head.header("content-length")).contains("1000");
        assertThat(head.body().readAllBytes()).isEmpty();
      }
      assertThat(text(server, request("DELETE", null))).isEmpty();
      assertThat(text(server, get())).isEmpty();
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void headersAreFoundByAnyCaseAndInTheirOrder() throws IOException {
    try (var server =
        RawServer.of(RawServer.answering(head("A:  1 \r\na: 2\r\nB:\r\nContent-Length: 0")))) {
      try (Response response = ask(server, get())) {
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.header("a")).contains("1");
        assertThat(response.headers("A")).containsExactly("1", "2");
        assertThat(response.header("b")).contains("");
        assertThat(response.header("c")).isEmpty();
      }
    }
  }

  @Test
  void theHeadIsTheRequests() throws IOException {
    try (var server = RawServer.of(RawServer.answering(OK))) {
      Map<String, String> headers = new LinkedHashMap<>();
      headers.put("Accept", "a, b");
      headers.put("User-Agent", "kiln");
      var request = new Request("GET", "/v2/?x=%2F&y", "registry.example:5000", headers, null);
      text(server, request);
      text(server, new Request("POST", "/v2/", "[::1]:5000", Map.of(), null));
      assertThat(server.heads)
          .containsExactly(
              "GET /v2/?x=%2F&y HTTP/1.1\r\nHost: registry.example:5000\r\nAccept: a, b\r\nUser-Agent: kiln\r\n\r\n",
              "POST /v2/ HTTP/1.1\r\nHost: [::1]:5000\r\nContent-Length: 0\r\n\r\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\r\nX: y", "a\nX: y", "a\rb"})
  void aLineEndInAHeadIsRefused(String text) throws IOException {
    try (var server = RawServer.of(RawServer.answering(OK))) {
      for (Request request :
          List.of(
              new Request("GET", "/" + text, "host", Map.of(), null),
              new Request("GET", "/", text, Map.of(), null),
              new Request("GET", "/", "host", Map.of("A", text), null))) {
        assertThatThrownBy(() -> ask(server, request)).isInstanceOf(ProtocolException.class);
      }
      assertThat(server.heads).isEmpty();
    }
  }

  @Test
  void contentOfAKnownLengthIsSentAsItIs() throws IOException {
    String large = "x".repeat(300_000);
    try (var server =
        RawServer.of(
            talk -> {
              String head = talk.head();
              assertThat(head).contains("Content-Length: 300003\r\n").doesNotContain("Transfer");
              talk.send(talk.read(300_003).equals("abc" + large) ? OK : NO_CONTENT);
              talk.head();
              talk.send(talk.read(3).equals("abc") ? OK : NO_CONTENT);
            })) {
      assertThat(text(server, request("PUT", Pieces.of("a", "bc", large)))).isEqualTo("ok");
      assertThat(text(server, request("PUT", Pieces.of("a", "", "bc")))).isEqualTo("ok");
    }
  }

  @Test
  void contentOfNoKnownLengthIsSentInChunks() throws IOException {
    String large = "x".repeat(0x5000);
    String expected = "3\r\nabc\r\n5000\r\n" + large + "\r\n0\r\n\r\n";
    try (var server =
        RawServer.of(
            talk -> {
              assertThat(talk.head()).contains("Transfer-Encoding: chunked\r\n");
              talk.send(talk.read(expected.length()).equals(expected) ? OK : NO_CONTENT);
              talk.head();
            })) {
      var content = new Pieces(-1, List.of("abc", "", large));
      assertThat(text(server, request("PATCH", content))).isEqualTo("ok");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
      })
  void aConnectionThatIsToEndIsNotUsedAgain(String answer) throws IOException {
    try (var server = RawServer.of(RawServer.answering(answer), RawServer.answering(answer))) {
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  @Test
  void anOldServerMayKeepAConnection() throws IOException {
    String answer = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    try (var server = RawServer.of(RawServer.answering(answer))) {
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(text(server, get())).isEqualTo("ok");
    }
  }

  /** What nobody reads is read away if it comes soon; if not, the connection is given up for it. */
  @Test
  void unreadBodiesDoNotMixWithTheNextAnswer() throws IOException {
    var closed = new CountDownLatch(1);
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n12345");
              talk.head();
              talk.send("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n");
              talk.send("5\r\n12345\r\n0\r\n\r\n");
              talk.head();
              talk.send("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n123");
              await(closed);
            },
            RawServer.answering(OK))) {
      Response first = ask(server, get());
      first.close();
      first.close();
      ask(server, get()).close();
      ask(server, get()).close();
      closed.countDown();
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  /** Once the place that was read was reset by looking, and the last answer came again. */
  @ParameterizedTest
  @ValueSource(longs = {0, 3, 60, 170})
  void anAnswerIsNotReadTwiceAfterAWhile(long seconds) throws IOException {
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send(OK);
              talk.head();
              talk.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
              talk.head();
              talk.send(OK);
              talk.head();
            })) {
      assertThat(text(server, get())).isEqualTo("ok");
      pass(Duration.ofSeconds(seconds));
      try (Response second = ask(server, request("HEAD", null))) {
        assertThat(second.status()).isEqualTo(404);
      }
      pass(Duration.ofSeconds(seconds));
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"'',180", "Keep-Alive: timeout=5,5", "'Keep-Alive: max=3, timeout=60',60"})
  void aConnectionIsKeptAsLongAsTheServerSays(String header, long seconds) throws IOException {
    String answer =
        "HTTP/1.1 200 OK\r\n"
            + header
            + (header.isEmpty() ? "" : "\r\n")
            + "Content-Length: 0\r\n\r\n";
    try (var server = RawServer.of(RawServer.answering(answer), RawServer.answering(answer))) {
      text(server, get());
      pass(Duration.ofSeconds(seconds).minusMillis(1));
      text(server, get());
      assertThat(server.connections()).isEqualTo(1);
      pass(Duration.ofSeconds(seconds));
      text(server, get());
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  /** A tenant's blob could look like an answer. */
  @ParameterizedTest
  @ValueSource(longs = {0, 3})
  void whatNobodyAskedForIsNoAnswer(long seconds) throws Exception {
    var sent = new CountDownLatch(1);
    String forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + forged);
              talk.head();
            },
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
              talk.send(forged);
              sent.countDown();
              talk.head();
            },
            RawServer.answering(OK))) {
      ask(server, request("HEAD", null)).close();
      pass(Duration.ofSeconds(seconds));
      try (Response second = ask(server, get())) {
        assertThat(second.body().readAllBytes()).isEmpty();
        sent.await();
      }
      pass(Duration.ofSeconds(seconds));
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(3);
    }
  }

  @Test
  void aBodyThatEndsWithItsConnectionTakesItAway() throws IOException {
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 200 OK\r\n\r\nhello");
            },
            RawServer.answering(OK))) {
      assertThat(text(server, get())).isEqualTo("hello");
      assertThat(text(server, request("POST", null))).isEqualTo("ok");
    }
  }

  /** Threads that give up a download close it while another reads. */
  @Test
  void whoReadsWhatAnotherClosesGetsNothingOfTheNextAnswer() throws Exception {
    var asked = new CountDownLatch(1);
    var closed = new CountDownLatch(1);
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
              await(closed);
            },
            RawServer.answering(OK))) {
      Response first = ask(server, get());
      var read = new CompletableFuture<Exception>();
      Thread.ofPlatform()
          .start(
              () -> {
                try {
                  first.body().readNBytes(5);
                  asked.countDown();
                  first.body().readAllBytes();
                } catch (IOException e) {
                  read.complete(e);
                }
              });
      asked.await();
      first.close();
      assertThat(read.get(30, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
      assertThat(text(server, get())).isEqualTo("ok");
      assertThatThrownBy(() -> first.body().read()).hasMessageContaining("closed");
      closed.countDown();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** A server that reads a request's head, and does nothing more. */
  private static RawServer.Script silentUntil(CountDownLatch end) {
    return talk -> {
      talk.head();
      await(end);
    };
  }

  @Test
  void exchangesAtTheSameTimeHaveConnectionsOfTheirOwn() throws IOException {
    try (var server = RawServer.of(RawServer.answering(OK), RawServer.answering(OK))) {
      try (Response first = ask(server, get());
          Response second = ask(server, get())) {
        assertThat(first.body().readAllBytes()).hasSize(2);
        assertThat(second.body().readAllBytes()).hasSize(2);
      }
      text(server, get());
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  private static void answerOnce(Talk talk) throws IOException {
    talk.head();
    talk.send(OK);
  }

  @Test
  void aReadThatMeetsAnEndedConnectionIsSentOnceMore() throws Exception {
    try (var server = RawServer.of(ConnectionPoolTest::answerOnce, RawServer.answering(OK))) {
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  /** It may have been done, and to do it twice is for the caller to decide. */
  @Test
  void aWriteThatMeetsAnEndedConnectionIsNot() throws IOException {
    try (var server =
        RawServer.of(
            talk -> {
              answerOnce(talk);
              talk.head();
            },
            RawServer.answering(OK))) {
      assertThat(text(server, get())).isEqualTo("ok");
      assertThatThrownBy(() -> text(server, request("POST", null))).isInstanceOf(IOException.class);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aReadThatFailsOnANewConnectionFails() throws IOException {
    try (var server = RawServer.of(Talk::head, RawServer.answering(OK))) {
      assertThatThrownBy(() -> text(server, get())).isInstanceOf(EOFException.class);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  /** Many pieces, which counts what was taken of it. */
  private static final class Many implements Request.Content {
    private static final byte[] PIECE = "x".repeat(100_000).getBytes(StandardCharsets.ISO_8859_1);
    private static final int PIECES = 4000;
    private final boolean chunked;
    private volatile int taken;

    Many(boolean chunked) {
      this.chunked = chunked;
    }

    @Override
    public long length() {
      return chunked ? -1 : (long) PIECES * PIECE.length;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      for (taken = 0; taken < PIECES; taken++) {
        out.write(PIECE);
      }
    }
  }

  /** A registry that takes no more says so in the middle of an upload, and hangs up. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anAnswerBeforeTheEndOfAnUploadIsHeard(boolean chunked) throws IOException {
    var done = new CountDownLatch(1);
    try (var server =
        RawServer.of(
            talk -> {
              talk.head();
              talk.send("HTTP/1.1 100 Continue\r\n\r\n");
              talk.read(1_000_000);
              talk.send(TOO_LARGE);
              talk.read(10_000_000);
              await(done);
            },
            RawServer.answering(OK))) {
      var content = new Many(chunked);
      try (Response response = ask(server, request("PUT", content))) {
        assertTooLarge(response);
      }
      assertThat(content.taken).isLessThan(Many.PIECES / 2);
      assertThat(text(server, get())).isEqualTo("ok");
      assertThat(server.connections()).isEqualTo(2);
      done.countDown();
    }
  }

  private static void assertTooLarge(Response response) throws IOException {
    assertThat(response.status()).isEqualTo(413);
    assertThat(response.body().readAllBytes()).hasSize(4);
  }

  /** Reads nothing of an upload, and goes on when no more of it can be sent. */
  private static void letItGetStuck(Many content) {
    int before = -1;
    while (content.taken == 0 || content.taken != before) {
      before = content.taken;
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  @Test
  void anUploadThatNobodyTakesHasAnEnd() throws IOException {
    var end = new CountDownLatch(1);
    try (var server = RawServer.of(silentUntil(end), RawServer.answering(OK));
        var hasty = pool(SHORT)) {
      var content = new Many(false);
      assertThatThrownBy(() -> hasty.exchange(route(server), request("PUT", content), SHORT))
          .isInstanceOf(NotTaken.class);
      hasty.exchange(route(server), get(), LONG).close();
      end.countDown();
    }
  }

  @Test
  void anUploadThatIsTakenSlowlyGoesOn() throws IOException {
    int bytes = 24_000_000;
    try (var server =
            RawServer.of(
                talk -> {
                  talk.head();
                  for (int read = 0; read < bytes; read += 400_000) {
                    talk.read(400_000);
                    LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
                  }
                  talk.send(OK);
                });
        var hasty = pool(SHORT)) {
      String quarter = "x".repeat(bytes / 4);
      Pieces content = Pieces.of(quarter, quarter, quarter, quarter);
      Duration limit = Duration.ofSeconds(2);
      try (Response response = hasty.exchange(route(server), request("PUT", content), limit)) {
        assertThat(response.status()).isEqualTo(200);
      }
    }
  }

  @Test
  void anAnswerToAnUploadThatGotStuckIsHeard() throws IOException {
    var end = new CountDownLatch(1);
    var content = new Many(false);
    try (var server =
            RawServer.of(
                talk -> {
                  talk.head();
                  letItGetStuck(content);
                  talk.send(TOO_LARGE);
                  await(end);
                });
        var hasty = pool(SHORT)) {
      Duration limit = Duration.ofSeconds(2);
      try (Response response = hasty.exchange(route(server), request("PUT", content), limit)) {
        assertTooLarge(response);
      }
      end.countDown();
    }
  }

  @Test
  void whatTheContentThrowsIsThrown() throws IOException {
    try (var server = RawServer.of(Talk::head, RawServer.answering(OK))) {
      var content =
          new Request.Content() {
            @Override
            public long length() {
              return 100;
            }

            @Override
            public void writeTo(OutputStream out) throws IOException {
              out.write(1);
              throw new IOException("the disk");
            }
          };
      assertThatThrownBy(() -> ask(server, request("PUT", content))).hasMessage("the disk");
      assertThat(text(server, get())).isEqualTo("ok");
    }
  }

  @Test
  void silenceHasAnEnd() throws IOException {
    var end = new CountDownLatch(1);
    try (var server =
            RawServer.of(
                silentUntil(end),
                talk -> {
                  talk.head();
                  talk.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
                  await(end);
                });
        var hasty = pool(Duration.ofMillis(100))) {
      assertThatThrownBy(() -> hasty.exchange(route(server), get(), Duration.ofMillis(100)))
          .isInstanceOf(SocketTimeoutException.class);
      try (Response response = hasty.exchange(route(server), get(), LONG)) {
        assertThatThrownBy(() -> response.body().readAllBytes())
            .isInstanceOf(SocketTimeoutException.class);
      }
      end.countDown();
    }
  }

  /** A request that waits for its answer, on a thread of its own. */
  private final class Waiting implements AutoCloseable {
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch end = new CountDownLatch(1);
    private final CompletableFuture<Exception> failure = new CompletableFuture<>();
    final RawServer server =
        RawServer.of(
            talk -> {
              talk.head();
              asked.countDown();
              await(end);
            },
            RawServer.answering(OK));
    final Thread thread = Thread.ofPlatform().start(this::ask);

    Waiting() throws IOException, InterruptedException {
      asked.await();
    }

    private void ask() {
      try {
        ConnectionPoolTest.this.ask(server, get()).close();
      } catch (IOException e) {
        failure.complete(e);
      }
    }

    Exception failure() throws Exception {
      return failure.get(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() throws IOException {
      end.countDown();
      server.close();
    }
  }

  @Test
  void anInterruptEndsWhatWaits() throws Exception {
    try (var waiting = new Waiting()) {
      waiting.thread.interrupt();
      assertThat(waiting.failure()).isInstanceOf(ClosedByInterruptException.class);
    }
  }

  @Test
  void closingEndsWhatIsUnderWayAndWhatComes() throws Exception {
    try (var waiting = new Waiting()) {
      pool.close();
      assertThat(waiting.failure()).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> ask(waiting.server, get())).hasMessageContaining("closed");
    }
  }

  @Test
  void plainRequestsGoToAProxyWhole() throws IOException {
    try (var proxy = RawServer.of(RawServer.answering(OK))) {
      var route =
          new Route(
              false,
              "registry.invalid",
              80,
              new Route.Proxy("127.0.0.1", proxy.port(), "Basic dTpw"));
      pool.exchange(route, get(), LONG).close();
      assertThat(proxy.heads)
          .containsExactly(
              "GET http://registry.example/v2/a?b=%2F HTTP/1.1\r\nHost: registry.example\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
    }
  }

  @Test
  void aTunnelThatIsRefusedIsNoAnswerOfTheHost() throws IOException {
    try (var proxy =
        RawServer.of(RawServer.answering("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"))) {
      var route =
          new Route(true, "[::1]", 5000, new Route.Proxy("127.0.0.1", proxy.port(), "Basic dTpw"));
      assertThatThrownBy(() -> pool.exchange(route, get(), LONG))
          .isInstanceOfSatisfying(ProxyRefused.class, e -> assertThat(e.status()).isEqualTo(407))
          .hasMessageContaining("[::1]:5000")
          .hasMessageNotContaining("dTpw");
      assertThat(proxy.heads)
          .containsExactly(
              "CONNECT [::1]:5000 HTTP/1.1\r\nHost: [::1]:5000\r\nProxy-Authorization: Basic dTpw\r\n\r\n");
    }
  }

  @Test
  void allAddressesOfANameAreTried() throws IOException {
    int nobody;
    try (var taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.2"))) {
      nobody = taken.getLocalPort();
    }
    try (var server = RawServer.of(RawServer.answering(OK))) {
      InetAddress[] both = {InetAddress.getByName("127.0.0.2"), InetAddress.getLoopbackAddress()};
      try (var pool = new ConnectionPool(new Dialer(host -> both, NO_TLS, LONG, LONG), LONG)) {
        Route route = new Route(false, "registry.example", server.port(), null);
        pool.exchange(route, get(), LONG).close();
      }
    }
    assertThatThrownBy(
            () -> pool.exchange(new Route(false, "127.0.0.2", nobody, null), get(), LONG))
        .isInstanceOf(ConnectException.class);
  }

  @Test
  void aNameThatMeansNothingIsSaid() {
    assertThatThrownBy(
            () -> pool.exchange(new Route(false, "registry.invalid", 80, null), get(), LONG))
        .isInstanceOf(UnknownHostException.class);
  }
}
