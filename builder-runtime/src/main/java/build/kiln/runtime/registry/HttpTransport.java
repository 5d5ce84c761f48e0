package build.kiln.runtime.registry;

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
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.cookie.CookieSpecFactory;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.routing.DefaultRoutePlanner;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.config.RegistryBuilder;
import org.apache.hc.core5.http.io.HttpClientConnection;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.io.entity.AbstractHttpEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.net.URIAuthority;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 exchange over pooled connections: TLS, proxies, timeouts, and the check of every
 * address before it is connected to. It neither follows redirects nor retries nor knows
 * credentials: those have rules of their own above it.
 *
 * <p>Each {@link Reach} has its own pool, so that a connection opened under the loose rule is never
 * used under a strict one. Made when first used, as is TLS: a build against a plain registry loads
 * neither.
 */
final class HttpTransport implements AutoCloseable {
  private static final int BUFFER = 128 * 1024;

  /** An upload looks for an early answer this often; over TLS each look takes a millisecond. */
  private static final long LOOK_EVERY_PLAIN = 256 * 1024;

  private static final long LOOK_EVERY_TLS = 8L << 20;

  private final RegistryConfig config;
  private final Set<String> proxyHosts;
  private final Map<Reach, CloseableHttpClient> clients = new EnumMap<>(Reach.class);
  private final ReentrantLock lock = new ReentrantLock();
  private final TlsSettings tls;

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
    HttpHost target = new HttpHost(origin.scheme(), origin.host(), origin.port());
    String query = call.uri().getRawQuery();
    String path = call.uri().getRawPath();
    // Built from parts, not from the URI, so that a signed URL goes out byte by byte as it came.
    ClassicHttpRequest request =
        new BasicClassicHttpRequest(
            call.method(),
            target,
            (path == null || path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query));
    // A signed URL's host is signed too, and others sign it without the scheme's own port.
    request.setAuthority(new URIAuthority(origin.host(), call.uri().getPort()));
    call.headers().forEach(request::setHeader);
    HttpCall.Body body = call.body();
    if (body != null) {
      request.setEntity(new Outgoing(body));
    }
    HttpClientContext context = HttpClientContext.create();
    Duration silence = call.silence();
    context.setRequestConfig(requestConfig(silence == null ? config.idleTimeout() : silence));
    return new HttpReply(
        call.uri(), client(reach).executeOpen(target, request, context), config.idleTimeout());
  }

  private static RequestConfig requestConfig(Duration silence) {
    return RequestConfig.custom()
        .setResponseTimeout(Timeout.of(silence))
        // The limits per host are ours; the pool is never what a request waits for.
        .setConnectionRequestTimeout(Timeout.ofMinutes(10))
        .setProtocolUpgradeEnabled(false)
        .build();
  }

  private CloseableHttpClient client(Reach reach) {
    lock.lock();
    try {
      return clients.computeIfAbsent(reach, this::newClient);
    } finally {
      lock.unlock();
    }
  }

  private CloseableHttpClient newClient(Reach reach) {
    PoolingHttpClientConnectionManager pool =
        new InterruptibleConnections()
            .setMaxConnPerRoute(4 * config.transfersPerHost() + 4)
            .setMaxConnTotal(1000)
            .setDnsResolver(new CheckedDns(reach))
            .setTlsSocketStrategy(tls)
            .setConnectionFactory(
                ManagedHttpClientConnectionFactory.builder()
                    .http1Config(Http1Config.custom().setBufferSize(64 * 1024).build())
                    .responseOutOfOrderStrategy(HttpTransport::answeredEarly)
                    .build())
            .setDefaultConnectionConfig(
                ConnectionConfig.custom()
                    .setConnectTimeout(Timeout.of(config.connectTimeout()))
                    .setSocketTimeout(Timeout.of(config.idleTimeout()))
                    .setValidateAfterInactivity(TimeValue.ofSeconds(2))
                    .setTimeToLive(TimeValue.ofMinutes(10))
                    .build())
            .setDefaultTlsConfig(
                TlsConfig.custom().setHandshakeTimeout(Timeout.of(config.connectTimeout())).build())
            .setDefaultSocketConfig(SocketConfig.custom().setTcpNoDelay(true).build())
            .build();
    return HttpClients.custom()
        .setConnectionManager(pool)
        .setRoutePlanner(new ProxyRoutes())
        .setDefaultCredentialsProvider(proxyCredentials())
        .setUserAgent(config.userAgent())
        .disableRedirectHandling()
        .disableAutomaticRetries()
        .disableCookieManagement()
        // Else a list of all public suffixes is read for it.
        .setDefaultCookieSpecRegistry(RegistryBuilder.<CookieSpecFactory>create().build())
        .disableAuthCaching()
        .disableConnectionState()
        // A registry's bytes are what a digest covers: nobody unpacks them on the way.
        .disableContentCompression()
        .build();
  }

  /**
   * A registry that refuses an upload may answer at its start and close; without a look for that,
   * all that is seen is a broken pipe.
   */
  private static boolean answeredEarly(
      ClassicHttpRequest request,
      HttpClientConnection connection,
      InputStream in,
      long sent,
      long next)
      throws IOException {
    boolean tls = connection.getSSLSession() != null;
    long every = tls ? LOOK_EVERY_TLS : LOOK_EVERY_PLAIN;
    if (sent / every == (sent + next) / every) {
      return false;
    }
    return tls ? connection.isDataAvailable(Timeout.ofMilliseconds(1)) : in.available() > 0;
  }

  private BasicCredentialsProvider proxyCredentials() {
    BasicCredentialsProvider provider = new BasicCredentialsProvider();
    Stream.of(config.proxies().http(), config.proxies().https())
        .flatMap(Stream::ofNullable)
        .filter(proxy -> proxy.getRawUserInfo() != null)
        .forEach(
            proxy -> {
              String[] parts = proxy.getRawUserInfo().split(":", 2);
              provider.setCredentials(
                  new AuthScope(proxyHost(proxy)),
                  new UsernamePasswordCredentials(
                      decoded(parts[0]),
                      (parts.length > 1 ? decoded(parts[1]) : "").toCharArray()));
            });
    return provider;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static HttpHost proxyHost(URI proxy) {
    return new HttpHost("http", proxy.getHost(), proxy.getPort() < 0 ? 80 : proxy.getPort());
  }

  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      for (CloseableHttpClient client : clients.values()) {
        client.close();
      }
      clients.clear();
    } finally {
      lock.unlock();
    }
  }

  /** Looks at what a name means in the moment of connecting: a second lookup could differ. */
  private final class CheckedDns implements DnsResolver {
    private final Reach reach;

    CheckedDns(Reach reach) {
      this.reach = reach;
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
      InetAddress[] found = InetAddress.getAllByName(host);
      if (!proxyHosts.contains(host)) {
        for (InetAddress address : found) {
          reach.check(host, address);
        }
      }
      return found;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
      return host;
    }
  }

  private final class ProxyRoutes extends DefaultRoutePlanner {
    ProxyRoutes() {
      super(null);
    }

    @Override
    protected @Nullable HttpHost determineProxy(HttpHost target, HttpContext context) {
      Optional<URI> proxy =
          config
              .proxies()
              .forTarget(target.getSchemeName(), target.getHostName(), target.getPort());
      return proxy.map(HttpTransport::proxyHost).orElse(null);
    }
  }

  /** Sends the source's bytes; a source of another length than promised breaks the exchange. */
  private static final class Outgoing extends AbstractHttpEntity {
    private final HttpCall.Body body;

    Outgoing(HttpCall.Body body) {
      super(body.contentType(), null, false);
      this.body = body;
    }

    @Override
    public long getContentLength() {
      return body.length();
    }

    @Override
    public boolean isStreaming() {
      return false;
    }

    @Override
    public InputStream getContent() throws IOException {
      return body.source().open();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      byte[] buffer = new byte[BUFFER];
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

    @Override
    public void close() {}
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
