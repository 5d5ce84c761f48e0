package build.kiln.operator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;

/**
 * {@code /healthz} (the process answers), {@code /readyz} (the informers watch; a standby is ready
 * too) and {@code /metrics} in Prometheus' text format.
 */
final class Endpoints implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads;

  private Endpoints(HttpServer server, ExecutorService threads) {
    this.server = server;
    this.threads = threads;
  }

  /**
   * Starts to listen.
   *
   * @param port 0 takes a free one
   */
  static Endpoints start(int port, PrometheusMeterRegistry metrics, BooleanSupplier ready)
      throws IOException {
    var server = HttpServer.create(new InetSocketAddress(port), 0);
    var threads = Executors.newVirtualThreadPerTaskExecutor();
    server.setExecutor(threads);
    server.createContext("/healthz", exchange -> answer(exchange, 200, "ok\n"));
    server.createContext(
        "/readyz",
        exchange -> {
          boolean good = ready.getAsBoolean();
          answer(exchange, good ? 200 : 503, good ? "ok\n" : "informers are not watching\n");
        });
    server.createContext(
        "/metrics",
        exchange -> {
          exchange
              .getResponseHeaders()
              .set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
          answer(exchange, 200, metrics.scrape());
        });
    server.start();
    return new Endpoints(server, threads);
  }

  int port() {
    return server.getAddress().getPort();
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    try (exchange) {
      byte[] body = text.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }
}
