package build.kiln.runtime.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.runtime.oci.Reference;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Proxies that make no tunnel. */
class ProxiesTest {
  /** Answers every CONNECT with a status. */
  private static final class RefusingProxy implements AutoCloseable {
    final List<String> asked = new CopyOnWriteArrayList<>();
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    RefusingProxy(int status) throws IOException {
      Thread.ofVirtual().start(() -> accept(status));
    }

    private void accept(int status) {
      try {
        while (true) {
          try (Socket socket = server.accept()) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
            asked.add(in.readLine());
            while (!in.readLine().isEmpty()) {
              // The rest of the head.
            }
            String answer = "HTTP/1.1 " + status + " No\r\nContent-Length: 0\r\n\r\n";
            socket.getOutputStream().write(answer.getBytes(UTF_8));
          }
        }
      } catch (IOException closed) {
        // The test is over.
      }
    }

    ProxySettings settings() {
      String place = "http://user:secret@127.0.0.1:" + server.getLocalPort();
      return ProxySettings.from(Map.of("https_proxy", place, "http_proxy", place));
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  /** A password that is wrong is shown once, and what the host speaks is not guessed. */
  @ParameterizedTest
  @CsvSource({
    "407, false, UNAUTHORIZED, 1, user name and password of the proxy",
    "407, true, UNAUTHORIZED, 1, user name and password of the proxy",
    "403, false, DENIED, 1, NO_PROXY",
    "404, false, INVALID, 1, the proxy's address",
    "502, false, UNAVAILABLE, 2, try again later"
  })
  void aRefusedTunnelIsOfTheProxy(
      int status, boolean insecure, RegistryException.Code code, int asked, String advice)
      throws IOException {
    String host = "registry.invalid:5000";
    try (var proxy = new RefusingProxy(status)) {
      var config =
          RegistryConfig.builder()
              .proxies(proxy.settings())
              .insecureHosts(insecure ? List.of(host) : List.of())
              .retry(new RetryPolicy(2, Duration.ofMillis(1), Duration.ofMillis(1)))
              .build();
      try (var client = new RegistryClient(config, Credentials.anonymous())) {
        RegistryException failure =
            catchThrowableOfType(
                RegistryException.class,
                () -> client.fetchManifest(Reference.parse(host + "/a:1")));
        assertThat(failure.code()).isEqualTo(code);
        assertThat(failure.status()).isZero();
        assertThat(failure)
            .hasMessageContaining(advice)
            .hasMessageContaining("status " + status)
            .hasMessageNotContaining("secret");
      }
      assertThat(proxy.asked).hasSize(asked).containsOnly("CONNECT " + host + " HTTP/1.1");
    }
  }
}
