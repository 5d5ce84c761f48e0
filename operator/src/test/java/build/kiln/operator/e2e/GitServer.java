package build.kiln.operator.e2e;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.transport.PacketLineOut;
import org.eclipse.jgit.transport.ReceivePack;
import org.eclipse.jgit.transport.RefAdvertiser.PacketLineOutRefAdvertiser;
import org.eclipse.jgit.transport.UploadPack;

/**
 * Git's smart HTTP protocol for tests: clones and pushes of {@code /NAME.git}, which a first push
 * creates; below {@code /private/} with a user and password. Runs in a pod.
 */
final class GitServer implements AutoCloseable {
  private final HttpServer http;
  private final Path folder;
  private final String authorization;

  private GitServer(HttpServer http, Path folder, String user, String password) {
    this.http = http;
    this.folder = folder;
    this.authorization =
        "Basic "
            + Base64.getEncoder()
                .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  /** The pod's command: {@code PORT FOLDER}, the user in GIT_USER and GIT_PASSWORD. */
  static void main(String[] arguments) throws IOException {
    start(
        new InetSocketAddress(Integer.parseInt(arguments[0])),
        Path.of(arguments[1]),
        System.getenv("GIT_USER"),
        System.getenv("GIT_PASSWORD"));
  }

  static GitServer start(InetSocketAddress address, Path folder, String user, String password)
      throws IOException {
    var http = HttpServer.create(address, 0);
    var server = new GitServer(http, folder, user, password);
    http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    http.createContext("/", server::handle);
    http.start();
    return server;
  }

  int port() {
    return http.getAddress().getPort();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      var path = exchange.getRequestURI().getPath();
      int end = path.indexOf(".git/");
      if (end < 0 || path.contains("..")) {
        exchange.sendResponseHeaders(404, -1);
      } else if (path.startsWith("/private/") && !isAuthorized(exchange)) {
        exchange.getResponseHeaders().add("WWW-Authenticate", "Basic realm=\"git\"");
        exchange.sendResponseHeaders(401, -1);
      } else {
        serve(exchange, folder.resolve(path.substring(1, end + 4)), path.substring(end + 5));
      }
    }
  }

  private boolean isAuthorized(HttpExchange exchange) {
    return authorization.equals(exchange.getRequestHeaders().getFirst("Authorization"));
  }

  private static void serve(HttpExchange exchange, Path directory, String request)
      throws IOException {
    var query = exchange.getRequestURI().getQuery();
    var service =
        request.equals("info/refs") && query != null && query.startsWith("service=")
            ? query.substring("service=".length())
            : request;
    if (!Files.exists(directory) && !service.equals("git-receive-pack")) {
      exchange.sendResponseHeaders(404, -1);
      return;
    }
    try (var repository = open(directory)) {
      var kind = request.equals("info/refs") ? "advertisement" : "result";
      exchange
          .getResponseHeaders()
          .add("Content-Type", "application/x-%s-%s".formatted(service, kind));
      exchange.getResponseHeaders().add("Cache-Control", "no-cache");
      exchange.sendResponseHeaders(200, 0);
      if (request.equals("info/refs")) {
        advertise(exchange, repository, service);
      } else {
        transfer(exchange, repository, service);
      }
    }
  }

  private static Repository open(Path directory) throws IOException {
    var repository =
        new FileRepositoryBuilder()
            .setGitDir(directory.toFile())
            .setBare()
            .setMustExist(false)
            .build();
    if (!Files.exists(directory.resolve("HEAD"))) {
      repository.create(true);
      repository.getConfig().setBoolean("http", null, "receivepack", true);
      repository.getConfig().setBoolean("uploadpack", null, "allowReachableSHA1InWant", true);
      repository.getConfig().save();
      repository.updateRef("HEAD").link("refs/heads/main");
    }
    return repository;
  }

  private static void advertise(HttpExchange exchange, Repository repository, String service)
      throws IOException {
    var lines = new PacketLineOut(exchange.getResponseBody());
    lines.writeString("# service=" + service + "\n");
    lines.end();
    var refs = new PacketLineOutRefAdvertiser(lines);
    if (service.equals("git-receive-pack")) {
      receivePack(repository).sendAdvertisedRefs(refs);
    } else {
      uploadPack(repository).sendAdvertisedRefs(refs);
    }
    lines.flush();
  }

  private static void transfer(HttpExchange exchange, Repository repository, String service)
      throws IOException {
    InputStream body = exchange.getRequestBody();
    if ("gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))) {
      body = new GZIPInputStream(body);
    }
    if (service.equals("git-receive-pack")) {
      receivePack(repository).receive(body, exchange.getResponseBody(), null);
    } else {
      uploadPack(repository).upload(body, exchange.getResponseBody(), null);
    }
  }

  private static UploadPack uploadPack(Repository repository) {
    var pack = new UploadPack(repository);
    pack.setBiDirectionalPipe(false);
    return pack;
  }

  private static ReceivePack receivePack(Repository repository) {
    var pack = new ReceivePack(repository);
    pack.setBiDirectionalPipe(false);
    return pack;
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
