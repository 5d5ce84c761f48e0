package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.registry.ProxySettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.Optional;
import javax.net.ssl.TrustManager;
import org.eclipse.jgit.transport.http.HttpConnection;
import org.eclipse.jgit.transport.http.HttpConnectionFactory;
import org.eclipse.jgit.transport.http.JDKHttpConnection;
import org.jspecify.annotations.Nullable;

/**
 * HTTP as JGit uses it, with the installation's proxies and authorities instead of the machine's.
 * It remembers the last status, and keeps the repository's credentials from any other host.
 */
final class GitHttp implements HttpConnectionFactory {
  private final GitAddress address;
  private final ProxySettings proxies;
  private final TrustManager @Nullable [] authorities;
  private volatile int lastStatus;

  /**
   * @param authorities whose certificates are believed; null for Java's own
   */
  GitHttp(GitAddress address, ProxySettings proxies, TrustManager @Nullable [] authorities) {
    this.address = address;
    this.proxies = proxies;
    this.authorities = authorities;
  }

  /** The status of the last answer; 0 before the first. */
  int lastStatus() {
    return lastStatus;
  }

  @Override
  public HttpConnection create(URL url) throws IOException {
    int port = url.getPort() < 0 ? url.getDefaultPort() : url.getPort();
    Optional<URI> proxy = proxies.forTarget(url.getProtocol(), url.getHost(), port);
    var connection = new Connection(url, proxy.isEmpty() ? Proxy.NO_PROXY : via(proxy.get()));
    if (authorities != null && url.getProtocol().equals("https")) {
      try {
        connection.configure(null, authorities, null);
      } catch (GeneralSecurityException e) {
        throw new IOException("cannot set up TLS", e);
      }
    }
    if (proxy.isPresent() && proxy.get().getUserInfo() != null) {
      if (url.getProtocol().equals("https")) {
        throw new ContextException(
            Code.INVALID,
            "HTTPS_PROXY has a password, which is not supported for Git; use a proxy without, or a mirror of the repository");
      }
      byte[] user = proxy.get().getUserInfo().getBytes(StandardCharsets.UTF_8);
      connection.setRequestProperty(
          "Proxy-Authorization", "Basic " + Base64.getEncoder().encodeToString(user));
    }
    return connection;
  }

  /** The proxy that JGit found is the machine's. */
  @Override
  public HttpConnection create(URL url, Proxy machinesProxy) throws IOException {
    return create(url);
  }

  private static Proxy via(URI proxy) {
    int port = proxy.getPort() < 0 ? 80 : proxy.getPort();
    return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port));
  }

  private final class Connection extends JDKHttpConnection {
    Connection(URL url, Proxy proxy) throws IOException {
      super(url, proxy);
    }

    @Override
    public void setRequestProperty(String key, String value) {
      URL url = getURL();
      boolean foreign =
          key.equalsIgnoreCase("Authorization")
              && !address.isSameOrigin(url.getProtocol(), url.getHost(), url.getPort());
      if (!foreign) {
        super.setRequestProperty(key, value);
      }
    }

    @Override
    public int getResponseCode() throws IOException {
      int status = super.getResponseCode();
      lastStatus = status;
      return status;
    }
  }
}
