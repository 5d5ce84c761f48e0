package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.embedded.Fault;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A host that registries send clients to: it has some of their blobs, as an object store does, and
 * takes uploads that nobody sees again. It remembers what credentials it was shown.
 */
final class OtherHost implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<String, byte[]> blobs = new HashMap<>();
  private final Queue<String> shown = new ConcurrentLinkedQueue<>();

  OtherHost(List<byte[]> contents) throws IOException {
    contents.forEach(bytes -> blobs.put(Digest.ofBytes(bytes).toString(), bytes));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private void handle(HttpExchange http) throws IOException {
    try (http) {
      String authorization = http.getRequestHeaders().getFirst("Authorization");
      if (authorization != null) {
        shown.add(http.getRequestMethod() + " " + authorization);
      }
      http.getRequestBody().readAllBytes();
      String path = http.getRequestURI().getPath();
      byte[] blob = blobs.get(path.substring(path.lastIndexOf('/') + 1));
      if (http.getRequestMethod().equals("PUT")) {
        http.sendResponseHeaders(201, -1);
      } else if (blob == null) {
        http.sendResponseHeaders(404, -1);
      } else {
        boolean head = http.getRequestMethod().equals("HEAD");
        http.sendResponseHeaders(200, head ? -1 : blob.length);
        if (!head) {
          http.getResponseBody().write(blob);
        }
      }
    }
  }

  /** A registry's answer that sends a reader here. */
  Fault redirect() {
    return new Fault.Instead(
        http -> {
          String path = http.getRequestURI().getPath();
          http.getResponseHeaders().set("Location", uri(path.substring(path.lastIndexOf('/'))));
          http.sendResponseHeaders(307, -1);
        });
  }

  /** A registry's answer that wants an upload to come here. */
  Fault upload() {
    return Fault.status(202, Map.of("Location", uri("/upload")));
  }

  private String uri(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  /** Every {@code Authorization} that came, with the request's method. */
  List<String> shownCredentials() {
    return List.copyOf(shown);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
