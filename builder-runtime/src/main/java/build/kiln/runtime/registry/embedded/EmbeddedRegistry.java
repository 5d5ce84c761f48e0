package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Reference;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A registry in this process: the distribution API 1.1 with uploads in one piece and in chunks,
 * mounts, ranges, tags, deletes, referrers and the catalog; docker, skopeo and containerd can use
 * it. It can be told to fail, see {@link #faults()}. It forgets its manifests when it is closed.
 */
public final class EmbeddedRegistry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRegistry.class);
  private static final Pattern ROUTE =
      Pattern.compile("/v2/(.+?)/(blobs/uploads|blobs|manifests|referrers|tags)/([^/]*)");
  private static final Pattern NAME =
      Pattern.compile(
          "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*");

  static {
    // Without this every answer in two writes waits 40 ms for an acknowledgement; read only once,
    // when the JDK's server is first used.
    if (System.getProperty("sun.net.httpserver.nodelay") == null) {
      System.setProperty("sun.net.httpserver.nodelay", "true");
    }
  }

  /**
   * How a registry is made.
   *
   * @param bindAddress an address of this machine
   * @param port 0 for any free one
   * @param tls null for plain HTTP
   * @param folder where blobs are kept; null for the heap
   * @param readOnly whether pushes and deletes are denied (403)
   * @param sparseIndexes whether an index may be pushed without all its manifests
   * @param referrers whether it lists referrers, as distribution-spec 1.1 wants
   * @param clock what tokens end by
   */
  public record Options(
      String bindAddress,
      int port,
      @Nullable SSLContext tls,
      Access access,
      @Nullable Path folder,
      boolean readOnly,
      boolean sparseIndexes,
      boolean referrers,
      Clock clock) {

    /** Loopback, any free port, plain HTTP, open to all, on the heap. */
    public static Options defaults() {
      return new Options(
          "127.0.0.1", 0, null, new Access.Open(), null, false, false, true, Clock.systemUTC());
    }

    public Options bind(String address, int newPort) {
      return new Options(
          address, newPort, tls, access, folder, readOnly, sparseIndexes, referrers, clock);
    }

    public Options tls(SSLContext context) {
      return new Options(
          bindAddress, port, context, access, folder, readOnly, sparseIndexes, referrers, clock);
    }

    public Options access(Access newAccess) {
      return new Options(
          bindAddress, port, tls, newAccess, folder, readOnly, sparseIndexes, referrers, clock);
    }

    public Options folder(Path newFolder) {
      return new Options(
          bindAddress, port, tls, access, newFolder, readOnly, sparseIndexes, referrers, clock);
    }

    public Options readOnly(boolean deny) {
      return new Options(
          bindAddress, port, tls, access, folder, deny, sparseIndexes, referrers, clock);
    }

    public Options sparseIndexes(boolean allow) {
      return new Options(bindAddress, port, tls, access, folder, readOnly, allow, referrers, clock);
    }

    public Options referrers(boolean list) {
      return new Options(
          bindAddress, port, tls, access, folder, readOnly, sparseIndexes, list, clock);
    }

    public Options clock(Clock newClock) {
      return new Options(
          bindAddress, port, tls, access, folder, readOnly, sparseIndexes, referrers, newClock);
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Options options;
  private final String host;
  private final Contents contents = new Contents();
  private final Faults faults = new Faults();
  private final RequestLog log = new RequestLog();
  private final AccessControl access;
  private final BlobRoutes blobRoutes;
  private final UploadRoutes uploadRoutes;
  private final ManifestRoutes manifestRoutes;
  private final ListRoutes listRoutes = new ListRoutes(contents);

  private EmbeddedRegistry(Options options) throws IOException {
    this.options = options;
    @Nullable Path folder = options.folder();
    Blobs blobs = folder == null ? new MemoryBlobs() : new FolderBlobs(folder);
    this.blobRoutes = new BlobRoutes(blobs, contents);
    this.uploadRoutes = new UploadRoutes(blobs, contents);
    this.manifestRoutes =
        new ManifestRoutes(contents, options.sparseIndexes(), options.referrers());
    InetAddress address = InetAddress.getByName(options.bindAddress());
    this.server = newServer(new InetSocketAddress(address, options.port()), options.tls());
    String name = address.isAnyLocalAddress() ? "127.0.0.1" : options.bindAddress();
    this.host =
        (name.indexOf(':') >= 0 ? "[" + name + "]" : name) + ":" + server.getAddress().getPort();
    this.access = new AccessControl(options.access(), uri().toString(), options.clock());
    server.createContext("/", this::handle);
    server.setExecutor(threads);
  }

  private static HttpServer newServer(InetSocketAddress address, @Nullable SSLContext tls)
      throws IOException {
    if (tls == null) {
      return HttpServer.create(address, 0);
    }
    HttpsServer https = HttpsServer.create(address, 0);
    https.setHttpsConfigurator(new HttpsConfigurator(tls));
    return https;
  }

  /** On loopback, any free port, on the heap. */
  public static EmbeddedRegistry start() throws IOException {
    return start(Options.defaults());
  }

  /**
   * @throws IOException if the port is taken or the folder cannot be written
   */
  public static EmbeddedRegistry start(Options options) throws IOException {
    EmbeddedRegistry registry = new EmbeddedRegistry(options);
    registry.server.start();
    return registry;
  }

  /** Its address and port, as in references. */
  public String host() {
    return host;
  }

  public URI uri() {
    return URI.create((options.tls() == null ? "http://" : "https://") + host);
  }

  /** A reference into this registry, such as of {@code shop/api:1}. */
  public Reference reference(String repositoryWithTag) {
    return Reference.parse(host + "/" + repositoryWithTag);
  }

  /** What is to go wrong. */
  public Faults faults() {
    return faults;
  }

  /** What was asked. */
  public RequestLog requests() {
    return log;
  }

  /** What it holds. */
  public Contents contents() {
    return contents;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange http) throws IOException {
    try (http) {
      log.add(
          new RequestLog.Request(
              http.getRequestMethod(), http.getRequestURI(), http.getRequestHeaders()));
      Optional<Fault> fault = faults.next(http.getRequestMethod(), http.getRequestURI().getPath());
      if (fault.isPresent() && Faults.apply(fault.get(), http)) {
        return;
      }
      Exchange exchange = new Exchange(http);
      exchange.set("Docker-Distribution-Api-Version", "registry/2.0");
      try {
        route(exchange);
      } catch (ApiError e) {
        exchange.answer(e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      // The client went away or was cut off; nobody is left to tell.
      LOG.debug("{} {} broke off", http.getRequestMethod(), http.getRequestURI().getPath(), e);
    }
  }

  private void route(Exchange exchange) throws IOException, ApiError {
    String path = exchange.path();
    if (path.equals("/token")) {
      access.token(exchange);
      return;
    }
    if (path.equals("/v2/") || path.equals("/v2")) {
      access.check(exchange, List.of());
      exchange.answerJson(200, Map.of());
      return;
    }
    if (path.equals("/v2/_catalog")) {
      access.check(exchange, List.of("registry:catalog:*"));
      listRoutes.catalog(exchange);
      return;
    }
    Matcher route = ROUTE.matcher(path);
    if (!route.matches()) {
      throw new ApiError(404, "NOT_FOUND", "not a path of the distribution API");
    }
    String repository = route.group(1);
    if (!NAME.matcher(repository).matches()) {
      throw new ApiError(400, "NAME_INVALID", "not a repository's name: " + repository);
    }
    access.check(exchange, needs(exchange, repository));
    boolean reads = exchange.method().equals("GET") || exchange.isHead();
    if (options.readOnly() && !reads) {
      throw new ApiError(403, "DENIED", "this registry is read-only");
    }
    String rest = route.group(3);
    switch (route.group(2)) {
      case "blobs/uploads" -> {
        if (rest.isEmpty()) {
          uploadRoutes.start(exchange, repository);
        } else {
          uploadRoutes.handle(exchange, repository, rest);
        }
      }
      case "blobs" -> blobRoutes.handle(exchange, repository, rest);
      case "manifests" -> manifestRoutes.handle(exchange, repository, rest);
      case "referrers" -> {
        if (!options.referrers()) {
          throw new ApiError(404, "NOT_FOUND", "this registry does not list referrers");
        }
        listRoutes.referrers(exchange, repository, rest);
      }
      case "tags" -> listRoutes.tags(exchange, repository);
      default -> throw new AssertionError(route.group(2));
    }
  }

  private static List<String> needs(Exchange exchange, String repository) {
    String name = "repository:" + repository + ":";
    List<String> needs = new ArrayList<>();
    switch (exchange.method()) {
      case "GET", "HEAD" -> needs.add(name + "pull");
      case "DELETE" -> needs.add(name + "delete");
      default -> {
        needs.add(name + "pull");
        needs.add(name + "push");
        exchange
            .parameter("from")
            .filter(from -> exchange.parameter("mount").isPresent())
            .ifPresent(from -> needs.add("repository:" + from + ":pull"));
      }
    }
    return needs;
  }
}
