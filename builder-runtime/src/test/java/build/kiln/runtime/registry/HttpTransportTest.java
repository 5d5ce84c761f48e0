package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
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
}
