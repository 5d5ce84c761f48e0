package build.kiln.runtime.http;

import org.jspecify.annotations.Nullable;

/**
 * Where a connection leads. Requests with equal routes share connections.
 *
 * @param host a name or an address; an IPv6 address in brackets
 * @param proxy what is connected to instead; it is asked for a tunnel (CONNECT) to a TLS host, and
 *     is sent the requests to any other
 */
public record Route(boolean tls, String host, int port, @Nullable Proxy proxy) {
  /**
   * An HTTP proxy.
   *
   * @param authorization the value of {@code Proxy-Authorization}; null for none
   */
  public record Proxy(String host, int port, @Nullable String authorization) {
    /** Without the secret. */
    @Override
    public String toString() {
      return host + ":" + port;
    }
  }
}
