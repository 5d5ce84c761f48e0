package build.kiln.runtime.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How to reach registries; immutable.
 *
 * @param mirrors upstream host to its mirrors, tried in this order before the upstream itself; each
 *     {@code host[:port][/prefix]} or an {@code http(s)://} URL
 * @param insecureHosts {@code host[:port]} spoken to over unverified TLS, else plain HTTP. Loopback
 *     hosts count as such without being named.
 * @param caDirectory PEM files ({@code .pem .crt .cer .cert}) trusted besides Java's own
 * @param certDirectories folders as docker's {@code certs.d}: in each a folder {@code HOST[:PORT]}
 *     with authorities and client certificates for that registry alone
 * @param connectTimeout for a connection, and for each answer in its TLS handshake
 * @param idleTimeout how long a registry may be silent in the middle of an answer, or before it
 * @param commitTimeout how long it may be silent at an upload's end, when it hashes and moves the
 *     blob, and take nothing in the middle of one
 * @param transfersPerHost blob bodies under way at once, in each direction, per registry; twice as
 *     many small requests go beside them
 */
public record RegistryConfig(
    Map<String, List<String>> mirrors,
    Set<String> insecureHosts,
    @Nullable Path caDirectory,
    List<Path> certDirectories,
    ProxySettings proxies,
    Duration connectTimeout,
    Duration idleTimeout,
    Duration commitTimeout,
    RetryPolicy retry,
    int transfersPerHost,
    String userAgent) {

  /**
   * @throws IllegalArgumentException naming the value that is out of range
   */
  public RegistryConfig {
    Map<String, List<String>> copy = new LinkedHashMap<>();
    mirrors.forEach(
        (upstream, list) -> {
          list.forEach(Mirror::parse);
          copy.put(RegistryPattern.parse(upstream).host(), List.copyOf(list));
        });
    mirrors = Map.copyOf(copy);
    Set<String> hosts = new LinkedHashSet<>();
    insecureHosts.forEach(host -> hosts.add(RegistryPattern.parse(host).host()));
    insecureHosts = Set.copyOf(hosts);
    certDirectories = List.copyOf(certDirectories);
    for (Duration timeout : List.of(connectTimeout, idleTimeout, commitTimeout)) {
      if (!timeout.isPositive()) {
        throw new IllegalArgumentException("a timeout must be positive, not " + timeout);
      }
    }
    if (transfersPerHost < 1 || transfersPerHost > 100) {
      throw new IllegalArgumentException(
          "transfersPerHost must be 1 to 100, not " + transfersPerHost);
    }
  }

  public static RegistryConfig defaults() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Whether unverified TLS and plain HTTP are allowed for {@code host[:port]}. */
  boolean isInsecure(String hostAndPort) {
    String host = RegistryPattern.canonicalHost(hostAndPort);
    return insecureHosts.contains(host) || Addresses.isLoopbackName(Endpoint.withoutPort(host));
  }

  /** Collects a configuration; not thread-safe. */
  public static final class Builder {
    private final Map<String, List<String>> mirrors = new LinkedHashMap<>();
    private final Set<String> insecureHosts = new LinkedHashSet<>();
    private @Nullable Path caDirectory;
    private List<Path> certDirectories = List.of();
    private ProxySettings proxies = ProxySettings.NONE;
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration idleTimeout = Duration.ofSeconds(60);
    private Duration commitTimeout = Duration.ofMinutes(5);
    private RetryPolicy retry = RetryPolicy.DEFAULT;
    private int transfersPerHost = 6;
    private String userAgent = "kiln";

    private Builder() {}

    /** Adds mirrors of one upstream, after those it has. */
    public Builder mirrors(String upstream, List<String> more) {
      mirrors.computeIfAbsent(upstream, ignored -> new ArrayList<>()).addAll(more);
      return this;
    }

    public Builder insecureHosts(Collection<String> hosts) {
      insecureHosts.addAll(hosts);
      return this;
    }

    public Builder caDirectory(@Nullable Path folder) {
      caDirectory = folder;
      return this;
    }

    public Builder certDirectories(List<Path> folders) {
      certDirectories = List.copyOf(folders);
      return this;
    }

    public Builder proxies(ProxySettings settings) {
      proxies = settings;
      return this;
    }

    public Builder connectTimeout(Duration timeout) {
      connectTimeout = timeout;
      return this;
    }

    public Builder idleTimeout(Duration timeout) {
      idleTimeout = timeout;
      return this;
    }

    public Builder commitTimeout(Duration timeout) {
      commitTimeout = timeout;
      return this;
    }

    public Builder retry(RetryPolicy policy) {
      retry = policy;
      return this;
    }

    public Builder transfersPerHost(int count) {
      transfersPerHost = count;
      return this;
    }

    public Builder userAgent(String text) {
      userAgent = text;
      return this;
    }

    public RegistryConfig build() {
      return new RegistryConfig(
          mirrors,
          insecureHosts,
          caDirectory,
          certDirectories,
          proxies,
          connectTimeout,
          idleTimeout,
          commitTimeout,
          retry,
          transfersPerHost,
          userAgent);
    }
  }
}
