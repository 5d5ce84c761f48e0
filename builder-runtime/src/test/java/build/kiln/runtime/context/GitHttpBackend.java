package build.kiln.runtime.context;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * {@code git http-backend} behind an HTTP server on loopback. Below {@code /private/} it wants
 * {@code user} and {@code s3cret}; {@code /status/NNN/} answers with that status; {@code /to/PORT/}
 * redirects to another such server.
 */
public final class GitHttpBackend implements AutoCloseable {
  static final String USER = "user";
  static final String PASSWORD = "s3cret";

  private final HttpServer server;
  private final Path root;
  private final List<String> authorizations = new CopyOnWriteArrayList<>();
  private volatile String refused = "";
  private final List<String> proxyAuthorizations = new CopyOnWriteArrayList<>();
  private final List<String> requests = new CopyOnWriteArrayList<>();

  public GitHttpBackend(Path root) throws IOException {
    this(root, null);
  }

  /**
   * @param tls for https; null for http
   */
  GitHttpBackend(Path root, @Nullable SSLContext tls) throws IOException {
    this.root = root;
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    if (tls == null) {
      server = HttpServer.create(address, 0);
    } else {
      HttpsServer secure = HttpsServer.create(address, 0);
      secure.setHttpsConfigurator(new HttpsConfigurator(tls));
      server = secure;
    }
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::handle);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  public String url(String path) {
    String scheme = server instanceof HttpsServer ? "https" : "http";
    return scheme + "://127.0.0.1:" + port() + path;
  }

  /** Refuses to send an object when it is asked for by its name, as servers may. */
  void refuse(String id) {
    refused = id;
  }

  /** Forgets what came in, and refuses nothing. */
  public void reset() {
    refused = "";
    authorizations.clear();
    requests.clear();
  }

  /** Authorization headers that came in. */
  public List<String> authorizations() {
    return authorizations;
  }

  /** Proxy-Authorization headers that came in. */
  List<String> proxyAuthorizations() {
    return proxyAuthorizations;
  }

  /** Methods and paths that came in. */
  public List<String> requests() {
    return requests;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      requests.add(exchange.getRequestMethod() + " " + path);
      String authorization = exchange.getRequestHeaders().getFirst("Authorization");
      if (authorization != null) {
        authorizations.add(authorization);
      }
      String forProxy = exchange.getRequestHeaders().getFirst("Proxy-Authorization");
      if (forProxy != null) {
        proxyAuthorizations.add(forProxy);
      }
      if (path.startsWith("/private/")) {
        handlePrivate(exchange, path.substring("/private".length()), authorization);
      } else if (path.startsWith("/status/")) {
        exchange.sendResponseHeaders(Integer.parseInt(path.split("/", 4)[2]), -1);
      } else if (path.startsWith("/to/")) {
        redirect(exchange, path);
      } else if (path.startsWith("/web/")) {
        byte[] page = "<html>welcome</html>".getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "text/html");
        exchange.sendResponseHeaders(200, page.length);
        exchange.getResponseBody().write(page);
      } else {
        run(exchange, path);
      }
    }
  }

  private void handlePrivate(HttpExchange exchange, String path, @Nullable String authorization)
      throws IOException {
    String good =
        "Basic "
            + Base64.getEncoder()
                .encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8));
    if (!good.equals(authorization)) {
      exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"git\"");
      exchange.sendResponseHeaders(401, -1);
    } else if (path.startsWith("/to/")) {
      redirect(exchange, path);
    } else {
      run(exchange, path);
    }
  }

  private static void redirect(HttpExchange exchange, String path) throws IOException {
    String[] parts = path.split("/", 4);
    String query = exchange.getRequestURI().getRawQuery();
    exchange
        .getResponseHeaders()
        .add("Location", "http://127.0.0.1:" + parts[2] + "/" + parts[3] + "?" + query);
    exchange.sendResponseHeaders(302, -1);
  }

  /** CGI, RFC 3875. */
  private void run(HttpExchange exchange, String path) throws IOException {
    var builder = new ProcessBuilder("git", "http-backend");
    var environment = builder.environment();
    environment.put("GIT_PROJECT_ROOT", root.toString());
    environment.put("GIT_HTTP_EXPORT_ALL", "1");
    environment.put("GIT_CONFIG_GLOBAL", "/dev/null");
    environment.put("PATH_INFO", path);
    environment.put("REQUEST_METHOD", exchange.getRequestMethod());
    environment.put("QUERY_STRING", String.valueOf(exchange.getRequestURI().getRawQuery()));
    put(exchange, "Content-Type", builder, "CONTENT_TYPE");
    put(exchange, "Content-Encoding", builder, "HTTP_CONTENT_ENCODING");
    put(exchange, "Git-Protocol", builder, "GIT_PROTOCOL");
    byte[] body = exchange.getRequestBody().readAllBytes();
    if (!refused.isEmpty() && text(exchange, body).contains("want " + refused)) {
      refusal(exchange);
      return;
    }
    environment.put("CONTENT_LENGTH", Integer.toString(body.length));
    Process process = builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var in = process.getOutputStream()) {
      in.write(body);
    } catch (IOException e) {
      // It answers an error without reading the request.
    }
    try (var out = new BufferedInputStream(process.getInputStream())) {
      int status = 200;
      for (String line = line(out); !line.isEmpty(); line = line(out)) {
        String[] header = line.split(": ", 2);
        if (header[0].equals("Status")) {
          status = Integer.parseInt(header[1].substring(0, 3));
        } else {
          exchange.getResponseHeaders().add(header[0], header[1]);
        }
      }
      exchange.sendResponseHeaders(status, 0);
      out.transferTo(exchange.getResponseBody());
    }
  }

  private static String text(HttpExchange exchange, byte[] body) throws IOException {
    boolean gzip = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    InputStream in = new ByteArrayInputStream(body);
    try (InputStream plain = gzip ? new GZIPInputStream(in) : in) {
      return new String(plain.readAllBytes(), StandardCharsets.ISO_8859_1);
    }
  }

  private void refusal(HttpExchange exchange) throws IOException {
    String line = "ERR upload-pack: not our ref " + refused;
    byte[] packet =
        "%04x%s".formatted(line.length() + 4, line).getBytes(StandardCharsets.ISO_8859_1);
    exchange.getResponseHeaders().add("Content-Type", "application/x-git-upload-pack-result");
    exchange.sendResponseHeaders(200, packet.length);
    exchange.getResponseBody().write(packet);
  }

  private static void put(
      HttpExchange exchange, String header, ProcessBuilder builder, String variable) {
    String value = exchange.getRequestHeaders().getFirst(header);
    if (value != null) {
      builder.environment().put(variable, value);
    }
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int c; (c = in.read()) >= 0 && c != '\n'; ) {
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
