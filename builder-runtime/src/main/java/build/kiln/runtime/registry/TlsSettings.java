package build.kiln.runtime.registry;

import java.io.IOException;
import java.net.Socket;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.client5.http.ssl.NoopHostnameVerifier;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.jspecify.annotations.Nullable;

/**
 * How TLS is spoken to each host: whom to believe, and with what to prove who we are. Read when a
 * host is first connected to; hosts without files of their own share one setting.
 */
final class TlsSettings implements TlsSocketStrategy {
  private final RegistryConfig config;
  private final Set<String> insecure = ConcurrentHashMap.newKeySet();
  private final Map<String, TlsSocketStrategy> strategies = new ConcurrentHashMap<>();

  TlsSettings(RegistryConfig config) {
    this.config = config;
  }

  /** From now on certificates of this origin are not verified. */
  void allowInsecure(Origin origin) {
    insecure.add(origin.authority());
  }

  @Override
  public SSLSocket upgrade(
      Socket socket, String host, int port, @Nullable Object attachment, HttpContext context)
      throws IOException {
    return strategy(host, port).upgrade(socket, host, port, attachment, context);
  }

  private TlsSocketStrategy strategy(String host, int port) throws IOException {
    boolean trusting = insecure.contains(new Origin("https", host, port).authority());
    HostCertificates own = HostCertificates.of(config.certDirectories(), host, port);
    String key = (trusting ? "any " : "verified ") + own.folders();
    TlsSocketStrategy made = strategies.get(key);
    if (made == null) {
      made =
          trusting
              ? new DefaultClientTlsStrategy(
                  Trust.unverified(own),
                  HostnameVerificationPolicy.CLIENT,
                  NoopHostnameVerifier.INSTANCE)
              : new DefaultClientTlsStrategy(Trust.verified(config.caDirectory(), own));
      strategies.put(key, made);
    }
    return made;
  }
}
