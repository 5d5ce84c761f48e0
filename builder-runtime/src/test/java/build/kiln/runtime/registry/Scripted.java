package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * An HTTP server on loopback that does as it is told: the first rule that matches a request answers
 * it, a rule for one request is used up by it, and what no rule is for is a 404.
 */
final class Scripted implements AutoCloseable {
  /** A request as it came; its body is text. */
  record Seen(String method, URI uri, Optional<String> authorization, String body) {
    String line() {
      return method + " " + uri;
    }
  }

  private record Rule(String method, String path, boolean once, HttpHandler answer) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Rule> rules = new ArrayList<>();
  private final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());

  Scripted() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** Answers every such request. */
  Scripted on(String method, String path, HttpHandler answer) {
    return rule(new Rule(method, path, false, answer));
  }

  /** Answers one such request, before the rules for every one that come later. */
  Scripted once(String method, String path, HttpHandler answer) {
    return rule(new Rule(method, path, true, answer));
  }

  private synchronized Scripted rule(Rule rule) {
    rules.add(rule);
    return this;
  }

  private synchronized Optional<Rule> take(HttpExchange http) {
    Optional<Rule> found =
        rules.stream()
            .filter(r -> r.method.equals(http.getRequestMethod()))
            .filter(r -> http.getRequestURI().getPath().equals(r.path))
            .findFirst();
    found.filter(Rule::once).ifPresent(rules::remove);
    return found;
  }

  private void handle(HttpExchange http) throws IOException {
    try (http) {
      String body = new String(http.getRequestBody().readAllBytes(), StandardCharsets.ISO_8859_1);
      seen.add(
          new Seen(
              http.getRequestMethod(),
              http.getRequestURI(),
              Optional.ofNullable(http.getRequestHeaders().getFirst("Authorization")),
              body));
      Optional<Rule> rule = take(http);
      (rule.isPresent() ? rule.get().answer : answer(404, "")).handle(http);
    }
  }

  /**
   * An answer.
   *
   * @param headers names and values in turn
   */
  static HttpHandler answer(int status, String body, String... headers) {
    return http -> {
      for (int i = 0; i < headers.length; i += 2) {
        http.getResponseHeaders().add(headers[i], headers[i + 1]);
      }
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      boolean silent = bytes.length == 0 || http.getRequestMethod().equals("HEAD");
      http.sendResponseHeaders(status, silent ? -1 : bytes.length);
      if (!silent) {
        http.getResponseBody().write(bytes);
      }
    };
  }

  /** A 401 that asks for a token. */
  HttpHandler wantsToken(URI realm, String more) {
    return answer(
        401, "", "WWW-Authenticate", "Bearer realm=\"" + realm + "\",service=\"reg\"" + more);
  }

  List<Seen> seen() {
    return List.copyOf(seen);
  }

  List<Seen> seen(String method, String path) {
    return seen().stream()
        .filter(s -> s.method.equals(method) && s.uri.getPath().equals(path))
        .toList();
  }

  String host() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  URI uri(String path) {
    return URI.create("http://" + host() + path);
  }

  Reference ref(String repositoryWithTag) {
    return Reference.parse(host() + "/" + repositoryWithTag);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
