package build.kiln.runtime.registry;

import build.kiln.runtime.http.ConnectionPool;
import build.kiln.runtime.http.Dialer;
import build.kiln.runtime.http.Request;
import build.kiln.runtime.http.Route;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 exchange over kept connections: TLS, proxies, timeouts, and the check of every
 * address before it is connected to. It neither follows redirects nor retries nor knows
 * credentials: those have rules of their own above it.
 *
 * <p>Each {@link Reach} has its own connections, so that one opened under the loose rule is never
 * used under a strict one.
 */
final class HttpTransport implements AutoCloseable {
  private static final int BUFFER = 128 * 1024;

  private final RegistryConfig config;
  private final Set<String> proxyHosts;
  private final Map<Reach, ConnectionPool> pools = new EnumMap<>(Reach.class);
  private final ReentrantLock lock = new ReentrantLock();
  private final TlsSettings tls;
  private boolean closed;

  HttpTransport(RegistryConfig config) {
    this.config = config;
    this.tls = new TlsSettings(config);
    this.proxyHosts =
        Stream.of(config.proxies().http(), config.proxies().https())
            .flatMap(Stream::ofNullable)
            .map(URI::getHost)
            .collect(Collectors.toUnmodifiableSet());
  }

  /** From now on certificates of this origin are not verified. */
  void allowInsecure(Origin origin) {
    tls.allowInsecure(origin);
  }

  /**
   * Sends a request and returns as soon as the answer's headers are here.
   *
   * @throws Reach.Refused if the address is one the request must not go to
   */
  HttpReply send(HttpCall call, Reach reach) throws IOException {
    reach.checkLiteral(call.uri());
    Origin origin = Origin.of(call.uri());
    String query = call.uri().getRawQuery();
    String path = call.uri().getRawPath();
    int port = call.uri().getPort();
    Map<String, String> headers = new LinkedHashMap<>(call.headers());
    headers.put("User-Agent", config.userAgent());
    HttpCall.Body body = call.body();
    if (body != null) {
      headers.put("Content-Type", body.contentType());
    }
    // Built from parts, not from the URI, so that a signed URL goes out byte by byte as it came.
    // The
    // host is signed too, and others sign it without the scheme's own port.
    Request request =
        new Request(
            call.method(),
            (path == null || path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query),
            port < 0 ? origin.host() : origin.host() + ":" + port,
            headers,
            body == null ? null : new Outgoing(body));
    Duration silence = call.silence() == null ? config.idleTimeout() : call.silence();
    return new HttpReply(
        call.uri(), pool(reach).exchange(route(origin), request, silence), config.idleTimeout());
  }

  private Route route(Origin origin) {
    Route.Proxy proxy =
        config
            .proxies()
            .forTarget(origin.scheme(), origin.host(), origin.port())
            .map(HttpTransport::proxy)
            .orElse(null);
    return new Route(origin.scheme().equals("https"), origin.host(), origin.port(), proxy);
  }

  private static Route.Proxy proxy(URI proxy) {
    String user = proxy.getRawUserInfo();
    return new Route.Proxy(
        proxy.getHost(),
        proxy.getPort() < 0 ? 80 : proxy.getPort(),
        user == null ? null : login(user));
  }

  private static String login(String rawUser) {
    String[] parts = rawUser.split(":", 2);
    return TokenService.basic(decoded(parts[0]), parts.length > 1 ? decoded(parts[1]) : "");
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private ConnectionPool pool(Reach reach) throws IOException {
    lock.lock();
    try {
      if (closed) {
        throw new IOException("all connections were closed");
      }
      return pools.computeIfAbsent(
          reach,
          key ->
              new ConnectionPool(
                  new Dialer(
                      new CheckedNames(key), tls, config.connectTimeout(), config.idleTimeout()),
                  config.idleTimeout()));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      pools.values().forEach(ConnectionPool::close);
    } finally {
      lock.unlock();
    }
  }

  /** Looks at what a name means in the moment of connecting: a second lookup could differ. */
  private final class CheckedNames implements Dialer.Names {
    private final Reach reach;

    CheckedNames(Reach reach) {
      this.reach = reach;
    }

    @Override
    public InetAddress[] addresses(String host) throws UnknownHostException {
      InetAddress[] found = InetAddress.getAllByName(host);
      if (!proxyHosts.contains(host)) {
        for (InetAddress address : found) {
          reach.check(host, address);
        }
      }
      return found;
    }
  }

  /** Sends the source's bytes; a source of another length than promised breaks the exchange. */
  private record Outgoing(HttpCall.Body body) implements Request.Content {
    @Override
    public long length() {
      return body.length();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      // More than there should be, so that what is too long is found out.
      long most = body.length() < 0 ? BUFFER : Math.min(BUFFER, body.length() + 1);
      byte[] buffer = new byte[(int) most];
      long sent = 0;
      try (InputStream in = openSource()) {
        for (int n = readSource(in, buffer); n >= 0; n = readSource(in, buffer)) {
          sent += n;
          if (body.length() >= 0 && sent > body.length()) {
            throw new SourceFailure("it has more than " + body.length() + " bytes", null);
          }
          out.write(buffer, 0, n);
        }
      }
      if (body.length() >= 0 && sent != body.length()) {
        throw new SourceFailure("it has " + sent + " bytes, not " + body.length(), null);
      }
    }

    private InputStream openSource() throws IOException {
      try {
        return body.source().open();
      } catch (IOException e) {
        throw SourceFailure.of(e);
      }
    }

    private static int readSource(InputStream in, byte[] buffer) throws IOException {
      try {
        return in.read(buffer);
      } catch (IOException e) {
        throw SourceFailure.of(e);
      }
    }
  }

  /** What was to be sent cannot be read: not the registry's fault, and not to be retried. */
  static final class SourceFailure extends IOException {
    SourceFailure(String message, @Nullable Throwable cause) {
      super(message, cause);
    }

    static SourceFailure of(IOException cause) {
      return new SourceFailure(String.valueOf(cause.getMessage()), cause);
    }
  }
}
