package build.kiln.runtime.registry;

import build.kiln.runtime.http.ProxyRefused;
import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Knows where a repository's requests go: which endpoints in which order, and over which scheme.
 *
 * <p>A host that is not insecure is spoken to over TLS, always. An insecure one is tried over TLS
 * first and plain HTTP then; on loopback the other way round, since TLS there only costs start-up
 * time. What was found is kept for the client's life.
 */
final class Sites {
  /** How long a mirror that failed to answer is passed over. */
  private static final Duration PASS_OVER = Duration.ofSeconds(30);

  /** Plain HTTP was tried where TLS is spoken. */
  private static final class SpeaksTls extends IOException {
    SpeaksTls() {
      super("the port speaks TLS");
    }
  }

  private final RegistryConfig config;
  private final HttpTransport transport;
  private final Clock clock;
  private final Map<String, Endpoint> upstreams = new ConcurrentHashMap<>();
  private final Map<String, Site> known = new ConcurrentHashMap<>();
  private final Map<String, Instant> passedOver = new ConcurrentHashMap<>();
  private final Map<String, ReentrantLock> probing = new ConcurrentHashMap<>();

  Sites(RegistryConfig config, HttpTransport transport, Clock clock) {
    this.config = config;
    this.transport = transport;
    this.clock = clock;
  }

  Endpoint upstream(Reference repository) {
    return upstreams.computeIfAbsent(
        repository.registry(), registry -> Endpoint.upstream(registry, config));
  }

  /** The mirrors that are not passed over now, then the upstream. */
  List<Endpoint> forReading(Reference repository) {
    Endpoint upstream = upstream(repository);
    List<Endpoint> all = new ArrayList<>();
    for (String text : config.mirrors().getOrDefault(upstream.name(), List.of())) {
      Endpoint mirror = Endpoint.mirror(Mirror.parse(text), upstream.name(), config);
      Instant until = passedOver.get(mirror.authority());
      boolean itself = mirror.name().equals(upstream.name()) && mirror.prefix().isEmpty();
      if (!itself && (until == null || !clock.instant().isBefore(until))) {
        all.add(mirror);
      }
    }
    all.add(upstream);
    return all;
  }

  /** The next calls go past this mirror for a while. An upstream is never passed over. */
  void passOver(Endpoint endpoint) {
    if (endpoint.isMirror()) {
      passedOver.put(endpoint.authority(), clock.instant().plus(PASS_OVER));
    }
  }

  /**
   * The endpoint with its scheme.
   *
   * @throws IOException if the scheme must be found out and the host does not answer
   */
  Site site(Endpoint endpoint) throws IOException {
    String key = endpoint.scheme() + " " + endpoint.authority() + " " + endpoint.mirrorOf();
    Site site = known.get(key);
    if (site != null) {
      return at(endpoint, site);
    }
    if (endpoint.scheme() != null) {
      site = newSite(endpoint, endpoint.scheme());
      known.put(key, site);
      return site;
    }
    ReentrantLock lock = probing.computeIfAbsent(key, ignored -> new ReentrantLock());
    lock.lock();
    try {
      site = known.get(key);
      if (site == null) {
        site = newSite(endpoint, probe(endpoint));
        known.put(key, site);
      }
      return at(endpoint, site);
    } finally {
      lock.unlock();
    }
  }

  /** Endpoints that differ in their prefix share what is known of the host. */
  private static Site at(Endpoint endpoint, Site site) {
    return site.endpoint().equals(endpoint)
        ? site
        : new Site(endpoint, site.base(), site.origin(), site.isPublic());
  }

  private Site newSite(Endpoint endpoint, String scheme) {
    URI base = URI.create(scheme + "://" + endpoint.authority());
    Origin origin = Origin.of(base);
    if (endpoint.insecure() && scheme.equals("https")) {
      transport.allowInsecure(origin);
    }
    return new Site(endpoint, base, origin, Addresses.isPublic(origin, config.proxies()));
  }

  private String probe(Endpoint endpoint) throws IOException {
    boolean plainFirst = Addresses.isLoopbackName(endpoint.host());
    String first = plainFirst ? "http" : "https";
    String second = plainFirst ? "https" : "http";
    IOException failure = ask(endpoint, first);
    if (failure == null) {
      return first;
    }
    IOException other = ask(endpoint, second);
    if (other == null) {
      return second;
    }
    // A refused connection says more than what TLS and HTTP make of each other, and so does what
    // went wrong with TLS where TLS is spoken.
    boolean secondSaysMore = other instanceof ConnectException || failure instanceof SpeaksTls;
    IOException main = secondSaysMore ? other : failure;
    main.addSuppressed(main == failure ? other : failure);
    throw main;
  }

  /**
   * Null if the host speaks that scheme.
   *
   * @throws ProxyRefused if the host was not reached
   */
  private @Nullable IOException ask(Endpoint endpoint, String scheme) throws ProxyRefused {
    try {
      Site site = newSite(endpoint, scheme);
      HttpCall call =
          new HttpCall("GET", site.resolve("/v2/"), Map.of(), null, config.connectTimeout());
      try (HttpReply reply = transport.send(call, Reach.REGISTRY)) {
        // Servers answer plain HTTP on a TLS port with a 400 in plain text.
        boolean misunderstood =
            scheme.equals("http")
                && reply.status() == 400
                && new String(reply.bytes(512), StandardCharsets.UTF_8).contains("HTTPS");
        return misunderstood ? new SpeaksTls() : null;
      }
    } catch (ProxyRefused e) {
      // It says nothing of what the host speaks.
      throw e;
    } catch (IOException e) {
      return e;
    }
  }
}
