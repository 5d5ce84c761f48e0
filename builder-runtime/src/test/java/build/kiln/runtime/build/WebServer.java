package build.kiln.runtime.build;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A web server on this machine whose answers a test sets. */
final class WebServer implements AutoCloseable {
  private final HttpServer server;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();

  /**
   * An answer.
   *
   * @param announced the Content-Length, which may be a lie
   */
  record Answer(int status, Map<String, String> headers, byte[] body, long announced) {
    static Answer of(byte[] body) {
      return new Answer(200, Map.of(), body, body.length);
    }

    Answer with(String header, String value) {
      var more = new java.util.TreeMap<>(headers);
      more.put(header, value);
      return new Answer(status, more, body, announced);
    }

    Answer status(int newStatus) {
      return new Answer(newStatus, headers, body, announced);
    }

    Answer announcing(long length) {
      return new Answer(status, headers, body, length);
    }
  }

  WebServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      requests.add(
          "%s %s %s"
              .formatted(
                  exchange.getRequestMethod(),
                  exchange.getRequestURI(),
                  exchange.getRequestHeaders().getFirst("Authorization")));
      Answer answer =
          answers.getOrDefault(
              exchange.getRequestURI().getRawPath(), Answer.of(new byte[0]).status(404));
      answer.headers().forEach(exchange.getResponseHeaders()::set);
      exchange.sendResponseHeaders(
          answer.status(), answer.announced() == 0 ? -1 : answer.announced());
      exchange.getResponseBody().write(answer.body());
    }
  }

  WebServer serve(String path, Answer answer) {
    answers.put(path, answer);
    return this;
  }

  WebServer serve(String path, String text) {
    return serve(path, Answer.of(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
  }

  /** Method, path with query and Authorization header of every request so far. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
