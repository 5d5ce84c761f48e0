package build.kiln.runtime.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.HttpFiles.Download;
import build.kiln.runtime.registry.RegistryException.Code;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpFilesTest {
  private static final byte[] HELLO = "hello".getBytes(UTF_8);

  @TempDir Path folder;
  private HttpServer server;
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final List<Duration> waits = new ArrayList<>();

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private URI at(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private Download get(RegistryConfig.Builder config, URI url, long most) throws IOException {
    try (var client =
        new RegistryClient(
            config.build(),
            Credentials.anonymous(),
            Clock.systemUTC(),
            waits::add,
            new Random(1))) {
      return client.files().get(url, folder.resolve("file"), most, (done, total) -> {});
    }
  }

  private void answer(int status, byte[] body, long announced) {
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            seen.add(exchange.getRequestURI().toString());
            exchange.sendResponseHeaders(status, announced);
            exchange.getResponseBody().write(body);
          }
        });
  }

  @Test
  void theFileIsHashedOnTheWay() throws IOException {
    answer(200, HELLO, HELLO.length);

    Download download = get(RegistryConfig.builder(), at("/x"), 5);

    assertThat(download.digest()).isEqualTo(Digest.ofBytes(HELLO));
    assertThat(download.size()).isEqualTo(5);
    assertThat(Files.readAllBytes(folder.resolve("file"))).isEqualTo(HELLO);
  }

  @Test
  void proxiesAreUsedAsForRegistries() throws IOException {
    answer(200, HELLO, HELLO.length);
    var proxies = ProxySettings.from(Map.of("http_proxy", at("").toString()));

    get(RegistryConfig.builder().proxies(proxies), URI.create("http://files.invalid/a/b?c=d"), 100);

    assertThat(seen).containsExactly("http://files.invalid/a/b?c=d");
  }

  @Test
  void insecureHostsMayHaveAnyCertificateButTlsIsNotLeft() throws Exception {
    Path keys = folder.resolve("keys.p12");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    assumeTrue(Files.isExecutable(Path.of(keytool)), "this Java has no keytool");
    var made =
        new ProcessBuilder(
                (keytool
                        + " -genkeypair -keyalg EC -dname CN=other -alias a -storetype PKCS12"
                        + " -storepass changeit -keystore "
                        + keys)
                    .split(" ", -1))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(made.waitFor()).isZero();
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(
        KeyStore.getInstance(keys.toFile(), "changeit".toCharArray()), "changeit".toCharArray());
    var tls = SSLContext.getInstance("TLS");
    tls.init(managers.getKeyManagers(), null, null);
    var secure = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    secure.setHttpsConfigurator(new HttpsConfigurator(tls));
    secure.createContext(
        "/",
        exchange -> {
          try (exchange) {
            boolean moved = exchange.getRequestURI().getPath().equals("/moved");
            exchange.getResponseHeaders().set("Location", "http://files.invalid/x");
            exchange.sendResponseHeaders(moved ? 302 : 200, moved ? -1 : HELLO.length);
            exchange.getResponseBody().write(moved ? new byte[0] : HELLO);
          }
        });
    secure.start();
    try {
      String base = "https://127.0.0.1:" + secure.getAddress().getPort();
      Download download = get(RegistryConfig.builder(), URI.create(base + "/x"), 5);

      assertThat(download.digest()).isEqualTo(Digest.ofBytes(HELLO));
      assertThatThrownBy(() -> get(RegistryConfig.builder(), URI.create(base + "/moved"), 5))
          .hasMessageContaining("leads from TLS to plain HTTP, at files.invalid");
    } finally {
      secure.stop(0);
    }
  }

  @Test
  void whatBreaksIsTriedAgainFromTheStart() throws IOException {
    var tries = new AtomicInteger();
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(200, 5);
            OutputStream out = exchange.getResponseBody();
            out.write(tries.incrementAndGet() < 3 ? "hel".getBytes(UTF_8) : HELLO);
          }
        });

    Download download = get(RegistryConfig.builder(), at("/x"), 5);

    assertThat(download.digest()).isEqualTo(Digest.ofBytes(HELLO));
    assertThat(Files.readAllBytes(folder.resolve("file"))).isEqualTo(HELLO);
    assertThat(waits).hasSize(2);
  }

  @Test
  void whatIsRefusedForGoodIsNotTriedAgain() {
    answer(404, HELLO, HELLO.length);

    assertThatThrownBy(() -> get(RegistryConfig.builder(), at("/x?token=secret"), 5))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining(at("/x") + " but it is not there (status 404)")
        .hasMessageNotContaining("secret")
        .extracting(e -> ((RegistryException) e).code())
        .isEqualTo(Code.NOT_FOUND);
    assertThat(seen).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"5, announced", "0, not announced"})
  void aFileMayNotBeLargerThanAllowed(long announced, String how) {
    answer(200, HELLO, announced);

    assertThatThrownBy(() -> get(RegistryConfig.builder(), at("/x"), 4))
        .as(how)
        .hasMessageContaining("more than 4 bytes");
    assertThat(seen).hasSize(1);
  }

  @Test
  void aDiskThatFailsIsNoReasonToAskAgain() {
    answer(200, HELLO, HELLO.length);

    assertThatThrownBy(
            () -> {
              Files.createDirectory(folder.resolve("file"));
              get(RegistryConfig.builder(), at("/x"), 5);
            })
        .isInstanceOf(java.nio.file.FileSystemException.class);
    assertThat(seen).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Sun, 06 Nov 1994 08:49:37 GMT | 784111777",
        "Sunday, 06-Nov-94 08:49:37 GMT | 784111777",
        "Sun Nov  6 08:49:37 1994 | 784111777",
        "Sun Nov 16 08:49:37 1994 | -1",
        "Wed Nov 16 08:49:37 1994 | 784975777",
        "garbage | -1"
      })
  void allFormsOfHttpDatesAreRead(String text, long seconds) {
    assertThat(Urls.time(text).orElse(-1)).isEqualTo(seconds);
  }
}
