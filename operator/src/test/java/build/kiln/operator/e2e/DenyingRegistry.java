package build.kiln.operator.e2e;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** A registry that knows everybody, has nothing, and lets nobody push. Runs in a pod. */
final class DenyingRegistry {
  private static final byte[] DENIED =
      """
      {"errors":[{"code":"DENIED","message":"this registry is read-only for you"}]}
      """
          .getBytes(StandardCharsets.UTF_8);

  private DenyingRegistry() {}

  /** The pod's command: {@code PORT}. */
  static void main(String[] arguments) throws IOException {
    var http = HttpServer.create(new InetSocketAddress(Integer.parseInt(arguments[0])), 0);
    // Else one connection that waits makes all wait.
    http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    http.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            switch (exchange.getRequestMethod()) {
              case "GET" ->
                  exchange.sendResponseHeaders(
                      exchange.getRequestURI().getPath().equals("/v2/") ? 200 : 404, -1);
              case "HEAD" -> exchange.sendResponseHeaders(404, -1);
              default -> {
                exchange.getResponseHeaders().add("Content-Type", "application/json");
                exchange.sendResponseHeaders(403, DENIED.length);
                exchange.getResponseBody().write(DENIED);
              }
            }
          }
        });
    http.start();
  }
}
