package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HttpTransportTest {
  /** A server of plain HTTP may wait for more of what it takes for a request. */
  @Test
  void aTlsHandshakeWithoutAnswerEndsAsAConnectionDoes() throws IOException {
    var config =
        RegistryConfig.builder()
            .connectTimeout(Duration.ofMillis(300))
            .idleTimeout(Duration.ofHours(1))
            .build();
    try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        var transport = new HttpTransport(config)) {
      URI uri = URI.create("https://127.0.0.1:" + silent.getLocalPort() + "/v2/");
      assertTimeoutPreemptively(
          Duration.ofSeconds(30),
          () ->
              assertThatThrownBy(
                      () ->
                          transport.send(HttpCall.of("GET", uri, Map.of()), Reach.REGISTRY).close())
                  .isInstanceOf(IOException.class));
    }
  }

  /** Builds are ended by interrupts, and their threads are those of the platform. */
  @Test
  void anInterruptEndsAnExchangeOfAnyThread() throws Exception {
    var config = RegistryConfig.builder().idleTimeout(Duration.ofHours(1)).build();
    try (var silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        var transport = new HttpTransport(config)) {
      URI uri = URI.create("http://127.0.0.1:" + silent.getLocalPort() + "/v2/");
      var failure = new CompletableFuture<IOException>();
      Thread asking =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      transport.send(HttpCall.of("GET", uri, Map.of()), Reach.REGISTRY).close();
                    } catch (IOException e) {
                      failure.complete(e);
                    }
                  });
      try (Socket asked = silent.accept()) {
        // The request is here, so its thread waits for the answer, or is about to.
        asked.getInputStream().read();
        asking.interrupt();
        assertThat(failure.get(30, TimeUnit.SECONDS))
            .isInstanceOf(ClosedByInterruptException.class);
      }
    }
  }
}
