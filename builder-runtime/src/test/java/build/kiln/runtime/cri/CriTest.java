package build.kiln.runtime.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.cri.CriException.Code;
import build.kiln.runtime.cri.FakeRuntime.Container;
import build.kiln.runtime.cri.FakeRuntime.Image;
import build.kiln.runtime.cri.GrpcServer.Manner;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The client of CRI against a server that speaks gRPC, well and badly. */
@Timeout(60)
class CriTest {
  private static final String A = FakeRuntime.id("a");
  private static final String B = FakeRuntime.id("b");

  private final Path socket;
  private FakeRuntime runtime;

  CriTest(@TempDir Path folder) throws IOException {
    this.socket = folder.resolve("cri.sock");
    this.runtime = new FakeRuntime(socket);
  }

  @BeforeEach
  void fill() {
    runtime.with(
        new Image(
            A,
            List.of("docker.io/library/busybox:1", "registry.example.com/mirror/busybox:1"),
            List.of("docker.io/library/busybox@sha256:" + "1".repeat(64)),
            4_500_000_000L,
            false));
    runtime.with(new Image(B, List.of("registry.k8s.io/pause:3.10"), List.of(), 320_000, true));
    runtime.containers.put(
        "c1", new Container("c1", A, "docker.io/library/busybox@sha256:1", A, 1, List.of()));
    runtime.containers.put("c2", new Container("c2", A, A, "", 2, List.of("r.io/data:1", B)));
    runtime.sandboxes.put("s1", "{\"image\":\"registry.k8s.io/pause:3.10\"}");
    runtime.info.put("config", "{\"sandboxImage\":\"x\"}");
  }

  @AfterEach
  void stop() throws IOException {
    runtime.close();
    assertThat(runtime.server().failures).isEmpty();
  }

  private Cri open() throws IOException {
    return Cri.open(socket, Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @EnumSource(names = {"WELL", "FUSSY"})
  void everyCallIsUnderstood(Manner manner) throws IOException {
    runtime.server().manner = manner;
    try (Cri cri = open()) {
      assertThat(cri.runtime()).isEqualTo("containerd 1.2.3");
      assertThat(cri.images())
          .containsExactlyInAnyOrder(
              new CriImage(
                  A,
                  List.of("docker.io/library/busybox:1", "registry.example.com/mirror/busybox:1"),
                  List.of("docker.io/library/busybox@sha256:" + "1".repeat(64)),
                  4_500_000_000L,
                  false),
              new CriImage(B, List.of("registry.k8s.io/pause:3.10"), List.of(), 320_000, true));
      assertThat(cri.containers())
          .containsExactly(
              new CriContainer(
                  "c1",
                  List.of(A, "docker.io/library/busybox@sha256:1", A),
                  "container app of pod shop/pod-c1",
                  "running"),
              new CriContainer("c2", List.of(A, A), "container app of pod shop/pod-c2", "exited"));
      assertThat(cri.imageVolumes("c1")).isEmpty();
      assertThat(cri.imageVolumes("c2")).containsExactly("r.io/data:1", B);
      assertThat(cri.imageVolumes("gone")).isEmpty();
      assertThat(cri.sandboxes()).containsExactly("s1");
      assertThat(cri.sandboxInfo("s1"))
          .isEqualTo(Map.of("info", "{\"image\":\"registry.k8s.io/pause:3.10\"}"));
      assertThat(cri.sandboxInfo("gone")).isEmpty();
      assertThat(cri.info()).isEqualTo(runtime.info);
    }
    assertThat(runtime.server().headers)
        .containsEntry(":method", "POST")
        .containsEntry("content-type", "application/grpc")
        .containsEntry("te", "trailers")
        .containsEntry("grpc-timeout", "10000m");
  }

  @Test
  void anImageGoesWithAllOfItsNamesAndMayBeGoneBefore() throws IOException {
    try (Cri cri = open()) {
      assertThat(cri.image("registry.example.com/mirror/busybox:1"))
          .hasValueSatisfying(image -> assertThat(image.id()).isEqualTo(A));
      cri.remove(A);
      assertThat(cri.image(A)).isEmpty();
      assertThat(cri.image("docker.io/library/busybox:1")).isEmpty();
      cri.remove(A);
      assertThat(runtime.images).containsOnlyKeys(B);
    }
  }

  @Test
  void largeAnswersAndManyCallsGoThroughTheWindows() throws IOException {
    for (int i = 0; i < 20_000; i++) {
      runtime.pulled(FakeRuntime.id("i" + i), "registry.example.com/some/repository/" + i + ":1");
    }
    try (Cri cri = open()) {
      assertThat(cri.images()).hasSize(20_002);
      for (int i = 0; i < 2_000; i++) {
        assertThat(cri.image(FakeRuntime.id("i" + i))).isPresent();
      }
      assertThat(cri.images()).hasSize(20_002);
    }
  }

  @Test
  void oneConnectionIsGoodForManyCalls() throws IOException {
    runtime.images.clear();
    try (Cri cri = open()) {
      // Each takes a number of a stream; beyond 16 bits something could be cut.
      for (int i = 0; i < 35_000; i++) {
        assertThat(cri.image(A)).isEmpty();
      }
    }
  }

  @Test
  void anErrorIsToldInItsWordsAndTheNextCallWorks() throws IOException {
    runtime.hook =
        (method, argument) ->
            method.equals("RemoveImage") ? "in use by 2 containers: 100% är schlimm + x" : null;
    try (Cri cri = open()) {
      assertThatThrownBy(() -> cri.remove(A))
          .isInstanceOfSatisfying(
              CriException.class, e -> assertThat(e.code()).isEqualTo(Code.REFUSED))
          .hasMessage(
              "tried to remove image %s but the container runtime at %s refused: in use by 2 containers: 100%% är schlimm + x (status 2)"
                  .formatted(A, socket));
      assertThat(cri.images()).hasSize(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          CLOSES              | UNREACHABLE | went away
          RESETS              | UNREACHABLE | gives the call up (INTERNAL_ERROR)
          GOES_AWAY           | UNREACHABLE | ends the connection (ENHANCE_YOUR_CALM)
          NO_STATUS           | INVALID     | no status
          NO_MESSAGE          | INVALID     | no message
          CUT_MESSAGE         | INVALID     | says that it has
          COMPRESSED          | INVALID     | compressed
          HTTP_ERROR          | INVALID     | HTTP status 503
          GARBAGE             | INVALID     | does not speak CRI
          NONSENSE            | INVALID     | the message ends inside a field
          TOO_LARGE           | INVALID     | larger than 16 MiB
          HUGE_HEADERS        | INVALID     | headers are larger
          INTERRUPTED_HEADERS | INVALID     | headers is interrupted
          """)
  void whatIsNoAnswerIsAnErrorThatSaysWhat(Manner manner, Code code, String message)
      throws IOException {
    runtime.server().manner = manner;
    try (Cri cri = open()) {
      assertThatThrownBy(cri::images)
          .isInstanceOfSatisfying(
              CriException.class, e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code))
          .hasMessageStartingWith("tried to list images but ")
          .hasMessageContaining(socket.toString())
          .hasMessageContaining(message);
    }
  }

  @Test
  void silenceEnds() throws IOException {
    runtime.server().manner = Manner.SILENT;
    try (Cri cri = Cri.open(socket, Duration.ofMillis(1100))) {
      assertThatThrownBy(cri::images)
          .isInstanceOfSatisfying(
              CriException.class, e -> assertThat(e.code()).isEqualTo(Code.TIMEOUT))
          .hasMessageContaining("did not answer within 1s");
    }
  }

  @Test
  void anInterruptEndsACall() throws IOException {
    runtime.server().manner = Manner.SILENT;
    try (Cri cri = open()) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(cri::images)
          .isInstanceOf(InterruptedIOException.class)
          .isNotInstanceOf(CriException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void aServerThatEndsBetweenCallsIsNoticed() throws IOException {
    try (Cri cri = open()) {
      assertThat(cri.images()).hasSize(2);
      runtime.close();
      assertThatThrownBy(cri::images)
          .isInstanceOfSatisfying(
              CriException.class, e -> assertThat(e.code()).isEqualTo(Code.UNREACHABLE));
    }
  }

  @Test
  void aMissingSocketIsNamed(@TempDir Path other) {
    Path missing = other.resolve("nobody.sock");
    assertThatThrownBy(() -> Cri.open(missing))
        .isInstanceOfSatisfying(
            CriException.class, e -> assertThat(e.code()).isEqualTo(Code.UNREACHABLE))
        .hasMessageContaining(missing + " but there is no such socket");
  }

  @Test
  void aSocketWithoutAServerIsUnreachable(@TempDir Path other) throws IOException {
    Path left = other.resolve("left.sock");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(left));
    }
    assertThat(left).exists();
    assertThatThrownBy(() -> Cri.open(left))
        .isInstanceOf(CriException.class)
        .hasMessageContaining("does the runtime run?");
  }

  @Test
  void aSocketThatIsNotOnesOwnSaysSo() throws IOException {
    Assumptions.assumeFalse(
        System.getProperty("user.name").equals("root"), "root may open every socket");
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("---------"));
    assertThatThrownBy(this::open)
        .isInstanceOf(CriException.class)
        .hasMessageContaining("the socket is root's");
  }

  @Test
  void aRuntimeOfAnOlderVersionOfCriIsRefusedWithTheReason() throws IOException {
    Path old = socket.resolveSibling("old.sock");
    try (FakeRuntime none = new FakeRuntime(old, 12)) {
      none.hook = (method, argument) -> "unknown service runtime.v1.RuntimeService";
      try (Cri cri = Cri.open(old)) {
        assertThatThrownBy(cri::runtime).hasMessageContaining("runtime.v1 of CRI");
      }
    }
  }

  @Test
  void aSocketWhoseQueueIsFullIsNotWaitedForForever(@TempDir Path folder) throws IOException {
    Path socketOfFull = folder.resolve("full.sock");
    var address = UnixDomainSocketAddress.of(socketOfFull);
    List<SocketChannel> waiting = new ArrayList<>();
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address, 1);
      for (int i = 0; i < 10; i++) {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.configureBlocking(false);
        waiting.add(channel);
        try {
          channel.connect(address);
        } catch (SocketException e) {
          break;
        }
      }
      assertThatThrownBy(() -> Cri.open(socketOfFull, Duration.ofSeconds(1)))
          .isInstanceOfSatisfying(
              CriException.class, e -> assertThat(e.code()).isEqualTo(Code.UNREACHABLE))
          .hasMessageContaining(socketOfFull + " took no connection within 1s");
    } finally {
      for (SocketChannel channel : waiting) {
        channel.close();
      }
    }
  }
}
