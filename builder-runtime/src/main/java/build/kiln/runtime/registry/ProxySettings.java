package build.kiln.runtime.registry;

import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * HTTP proxies as {@code HTTP_PROXY}, {@code HTTPS_PROXY} and {@code NO_PROXY} give them, read as
 * Go's net/http and so docker do: NO_PROXY has {@code *}, hosts (with their subdomains), {@code
 * .domain}, addresses, CIDR blocks, each perhaps with a port; loopback is never proxied.
 */
public record ProxySettings(@Nullable URI http, @Nullable URI https, List<String> noProxy) {
  public static final ProxySettings NONE = new ProxySettings(null, null, List.of());

  /**
   * @throws IllegalArgumentException if a proxy is not an {@code http://} one; its password is not
   *     in the message
   */
  public ProxySettings {
    check("HTTP_PROXY", http);
    check("HTTPS_PROXY", https);
    noProxy =
        noProxy.stream()
            .map(entry -> entry.strip().toLowerCase(Locale.ROOT))
            .filter(entry -> !entry.isEmpty())
            .toList();
  }

  /** From variables of either case; the lower-case one goes before, as in curl. */
  public static ProxySettings from(Map<String, String> variables) {
    return new ProxySettings(
        uri(variables, "http_proxy"),
        uri(variables, "https_proxy"),
        Arrays.asList(value(variables, "no_proxy").split("[,\\s]+", -1)));
  }

  private static String value(Map<String, String> variables, String name) {
    String lower = variables.getOrDefault(name, "");
    return lower.isEmpty() ? variables.getOrDefault(name.toUpperCase(Locale.ROOT), "") : lower;
  }

  private static @Nullable URI uri(Map<String, String> variables, String name) {
    String text = value(variables, name).strip();
    if (text.isEmpty()) {
      return null;
    }
    try {
      return URI.create(text.contains("://") ? text : "http://" + text);
    } catch (IllegalArgumentException e) {
      // The original message quotes the text, which may hold a password.
      throw new IllegalArgumentException(
          name.toUpperCase(Locale.ROOT) + " is not a URL; want http://[user:password@]host:port");
    }
  }

  private static void check(String name, @Nullable URI proxy) {
    if (proxy != null && (!"http".equals(proxy.getScheme()) || proxy.getHost() == null)) {
      throw new IllegalArgumentException(
          name + " must be http://[user:password@]host:port; other kinds are not supported");
    }
  }

  /** The proxy for a request to this host, or empty for a direct connection. */
  public Optional<URI> forTarget(String scheme, String host, int port) {
    URI proxy = scheme.equals("https") ? https : http;
    if (proxy == null || bypassed(host.toLowerCase(Locale.ROOT), port)) {
      return Optional.empty();
    }
    return Optional.of(proxy);
  }

  private boolean bypassed(String host, int port) {
    if (Addresses.isLoopbackName(host)) {
      return true;
    }
    Optional<InetAddress> literal = Addresses.literal(host);
    return noProxy.stream()
        .anyMatch(entry -> entry.equals("*") || matches(entry, host, port, literal));
  }

  private static boolean matches(
      String entry, String host, int port, Optional<InetAddress> literal) {
    if (entry.indexOf('/') > 0) {
      return literal.isPresent() && Addresses.inBlock(literal.get(), entry);
    }
    String name = entry;
    int colon = entry.lastIndexOf(':');
    boolean hasPort = colon > 0 && (entry.indexOf(':') == colon || entry.charAt(colon - 1) == ']');
    if (hasPort) {
      if (!entry.substring(colon + 1).equals(Integer.toString(port))) {
        return false;
      }
      name = entry.substring(0, colon);
    }
    if (literal.isPresent()) {
      return Addresses.literal(name).equals(literal);
    }
    name = name.startsWith("*.") ? name.substring(1) : name;
    return name.startsWith(".")
        ? host.endsWith(name)
        : host.equals(name) || host.endsWith("." + name);
  }

  @Override
  public String toString() {
    return "ProxySettings[http=" + bare(http) + ", https=" + bare(https) + ", no=" + noProxy + "]";
  }

  private static String bare(@Nullable URI proxy) {
    return proxy == null ? "none" : proxy.getHost() + ":" + proxy.getPort();
  }
}
