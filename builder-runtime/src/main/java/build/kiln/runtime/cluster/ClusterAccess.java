package build.kiln.runtime.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Where the API server is, and who asks.
 *
 * @param server such as {@code https://10.96.0.1:443}
 * @param tls whose certificates are believed; null for Java's own
 * @param token asked for every request, since kubelet renews it
 * @param namespace of the pod
 */
public record ClusterAccess(URI server, @Nullable SSLContext tls, Token token, String namespace) {
  private static final Path ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

  /** What proves who asks. */
  @FunctionalInterface
  public interface Token {
    String now() throws IOException;
  }

  /**
   * As Kubernetes tells a pod.
   *
   * @throws IOException if this is no pod, or one without a token; the message says what to do
   */
  public static ClusterAccess ofThisPod(Map<String, String> environment) throws IOException {
    return of(environment, ACCOUNT);
  }

  static ClusterAccess of(Map<String, String> environment, Path account) throws IOException {
    String host = environment.get("KUBERNETES_SERVICE_HOST");
    String port = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
    if (host == null) {
      throw new IOException(
          "cannot find the Kubernetes API: KUBERNETES_SERVICE_HOST is not set, so this is no pod");
    }
    String bracketed = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    try {
      String namespace = Files.readString(account.resolve("namespace")).strip();
      return new ClusterAccess(
          URI.create("https://" + bracketed + ":" + port),
          trusting(account.resolve("ca.crt")),
          () -> Files.readString(account.resolve("token")).strip(),
          namespace);
    } catch (NoSuchFileException e) {
      throw new IOException(
          "cannot ask the Kubernetes API: there is no %s; the pod needs automountServiceAccountToken: true"
              .formatted(e.getFile()),
          e);
    }
  }

  private static SSLContext trusting(Path authorities) throws IOException {
    try (InputStream in = Files.newInputStream(authorities)) {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int count = 0;
      for (Certificate authority :
          CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("cluster-" + count++, authority);
      }
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot use the cluster's authorities in " + authorities, e);
    }
  }
}
