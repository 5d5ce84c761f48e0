package build.kiln.runtime.registry;

import build.kiln.runtime.http.Dialer;
import java.io.IOException;
import java.net.Socket;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * How TLS is spoken to each host: whom to believe, and with what to prove who we are. Read when a
 * host is first connected to; hosts without files of their own share one setting.
 */
final class TlsSettings implements Dialer.Tls {
  private final RegistryConfig config;
  private final Set<String> insecure = ConcurrentHashMap.newKeySet();
  private final Map<String, SSLContext> contexts = new ConcurrentHashMap<>();

  TlsSettings(RegistryConfig config) {
    this.config = config;
  }

  /** From now on certificates of this origin are not verified. */
  void allowInsecure(Origin origin) {
    insecure.add(origin.authority());
  }

  @Override
  public SSLSocket over(Socket plain, String host, int port) throws IOException {
    boolean trusting = insecure.contains(new Origin("https", host, port).authority());
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    SSLSocket secure =
        (SSLSocket)
            context(trusting, host, port).getSocketFactory().createSocket(plain, bare, port, true);
    if (!trusting) {
      SSLParameters parameters = secure.getSSLParameters();
      // The name is compared with the certificate's as of RFC 2818; else any would do.
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secure.setSSLParameters(parameters);
    }
    return secure;
  }

  private SSLContext context(boolean trusting, String host, int port) throws IOException {
    HostCertificates own = HostCertificates.of(config.certDirectories(), host, port);
    String key = (trusting ? "any " : "verified ") + own.folders();
    SSLContext made = contexts.get(key);
    if (made == null) {
      made = trusting ? Trust.unverified(own) : Trust.verified(config.caDirectory(), own);
      contexts.put(key, made);
    }
    return made;
  }
}
