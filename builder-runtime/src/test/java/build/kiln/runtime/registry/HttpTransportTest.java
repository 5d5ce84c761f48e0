package build.kiln.runtime.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpTransportTest {
  @TempDir Path folder;

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

  /** A server on TLS; answers each request by its path, and keeps their heads. */
  private static final class TlsServer implements AutoCloseable {
    final List<String> heads = new CopyOnWriteArrayList<>();
    private final ServerSocket server;

    TlsServer(TestCertificate certificate) throws Exception {
      char[] password = "changeit".toCharArray();
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry(
          "a", certificate.key(), password, new Certificate[] {certificate.certificate()});
      var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, password);
      SSLContext tls = SSLContext.getInstance("TLS");
      tls.init(keys.getKeyManagers(), null, null);
      // On all of loopback, so that it has addresses that its certificate does not name.
      server = tls.getServerSocketFactory().createServerSocket(0, 50, null);
      Thread.ofVirtual().start(this::accept);
    }

    int port() {
      return server.getLocalPort();
    }

    private void accept() {
      try {
        while (true) {
          Socket socket = server.accept();
          Thread.ofVirtual().start(() -> serve(socket));
        }
      } catch (IOException closed) {
        // The test is over.
      }
    }

    private void serve(Socket socket) {
      try (socket) {
        var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        while (true) {
          var head = new StringBuilder();
          for (String line = in.readLine(); !line.isEmpty(); line = in.readLine()) {
            head.append(line).append('\n');
          }
          heads.add(head.toString());
          boolean refuses = head.toString().startsWith("PUT");
          String answer =
              refuses
                  ? "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nfull"
                  : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
          socket.getOutputStream().write(answer.getBytes(UTF_8));
          if (refuses) {
            socket.getInputStream().skipNBytes(50_000_000);
            return;
          }
        }
      } catch (IOException | NullPointerException ended) {
        // The client hung up.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  private static String text(HttpTransport transport, String url) throws IOException {
    try (HttpReply reply =
        transport.send(HttpCall.of("GET", URI.create(url), Map.of()), Reach.REGISTRY)) {
      return new String(reply.bytes(100), UTF_8);
    }
  }

  private HttpTransport trusting(TestCertificate certificate) throws Exception {
    Files.writeString(folder.resolve("ca.pem"), certificate.certificatePem());
    return new HttpTransport(RegistryConfig.builder().caDirectory(folder).build());
  }

  @Test
  void aCertificateMustBeOfTheNameThatWasAsked() throws Exception {
    assumeTrue(TestCertificate.canBeMade(), "this Java has no keytool");
    TestCertificate certificate = TestCertificate.make(folder, "server", "EC");
    try (var server = new TlsServer(certificate);
        var transport = trusting(certificate)) {
      assertThat(text(transport, "https://127.0.0.1:%d/a".formatted(server.port())))
          .isEqualTo("ok");
      assertThat(text(transport, "https://localhost:%d/b".formatted(server.port())))
          .isEqualTo("ok");
      assertThatThrownBy(() -> text(transport, "https://127.0.0.2:%d/c".formatted(server.port())))
          .isInstanceOf(SSLException.class)
          .hasRootCauseInstanceOf(CertificateException.class);
      assertThat(server.heads).hasSize(2);
    }
  }

  @Test
  void anAnswerBeforeTheEndOfAnUploadIsHeardOverTls() throws Exception {
    assumeTrue(TestCertificate.canBeMade(), "this Java has no keytool");
    TestCertificate certificate = TestCertificate.make(folder, "server", "EC");
    try (var server = new TlsServer(certificate);
        var transport = trusting(certificate)) {
      String base = "https://127.0.0.1:" + server.port();
      assertThat(text(transport, base + "/first")).isEqualTo("ok");
      BlobSource endless =
          () ->
              new InputStream() {
                @Override
                public int read() {
                  return 0;
                }

                @Override
                public int read(byte[] buffer, int offset, int length) {
                  return length;
                }
              };
      var body = new HttpCall.Body("application/octet-stream", 1L << 40, endless);
      var put = new HttpCall("PUT", URI.create(base + "/blob"), Map.of(), body, null);
      try (HttpReply reply = transport.send(put, Reach.REGISTRY)) {
        assertThat(reply.status()).isEqualTo(413);
      }
      assertThat(text(transport, base + "/next")).isEqualTo("ok");
    }
  }

  /** One that makes a tunnel to the server, whatever name is asked for. */
  private static ServerSocket proxy(int port, List<String> heads) throws IOException {
    var proxy = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
    Thread.ofVirtual()
        .start(
            () -> {
              try (Socket client = proxy.accept();
                  Socket server = new Socket(InetAddress.getLoopbackAddress(), port)) {
                var head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                  head.append((char) client.getInputStream().read());
                }
                heads.add(head.toString());
                client.getOutputStream().write("HTTP/1.0 200 Made\r\nA: b\r\n\r\n".getBytes(UTF_8));
                Thread.ofVirtual()
                    .start(
                        () -> {
                          try {
                            server.getInputStream().transferTo(client.getOutputStream());
                          } catch (IOException ended) {
                            // The test is over.
                          }
                        });
                client.getInputStream().transferTo(server.getOutputStream());
              } catch (IOException ended) {
                // As above.
              }
            });
    return proxy;
  }

  @Test
  void aTunnelIsMadeOnceAndKnowsTheProxysCredentialsAlone() throws Exception {
    assumeTrue(TestCertificate.canBeMade(), "this Java has no keytool");
    TestCertificate certificate = TestCertificate.make(folder, "server", "EC");
    List<String> asked = new CopyOnWriteArrayList<>();
    try (var server = new TlsServer(certificate);
        var proxy = proxy(server.port(), asked)) {
      String place = "http://us%65r:p%40ss@127.0.0.1:" + proxy.getLocalPort();
      var config =
          RegistryConfig.builder()
              .proxies(ProxySettings.from(Map.of("https_proxy", place)))
              .build();
      try (var transport = new HttpTransport(config)) {
        transport.allowInsecure(Origin.of(URI.create("https://registry.invalid:5000")));
        assertThat(text(transport, "https://registry.invalid:5000/a")).isEqualTo("ok");
        assertThat(text(transport, "https://registry.invalid:5000/b")).isEqualTo("ok");
      }
      assertThat(asked)
          .containsExactly(
              "CONNECT registry.invalid:5000 HTTP/1.1\r\nHost: registry.invalid:5000\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n");
      assertThat(server.heads)
          .hasSize(2)
          .noneMatch(head -> head.contains("Proxy-Authorization"))
          .allMatch(head -> head.contains("Host: registry.invalid:5000\n"));
    }
  }
}
