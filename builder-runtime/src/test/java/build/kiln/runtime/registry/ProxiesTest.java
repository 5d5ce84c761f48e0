package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import build.kiln.runtime.http.RawServer;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Proxies that make no tunnel. */
class ProxiesTest {
  private static ProxySettings through(RawServer proxy) {
    String place = "http://user:secret@127.0.0.1:" + proxy.port();
    return ProxySettings.from(Map.of("https_proxy", place, "http_proxy", place));
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
    RawServer.Script refusing =
        RawServer.answering("HTTP/1.1 " + status + " No\r\nContent-Length: 0\r\n\r\n");
    try (var proxy = RawServer.of(refusing, refusing, refusing)) {
      var config =
          RegistryConfig.builder()
              .proxies(through(proxy))
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
      assertThat(proxy.heads)
          .hasSize(asked)
          .allMatch(head -> head.startsWith("CONNECT " + host + " HTTP/1.1\r\n"));
    }
  }
}
