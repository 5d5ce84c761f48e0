package build.kiln.runtime.registry;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Whose certificates are believed. */
public final class Trust {
  /** Java's own authorities, those of a folder of PEM files, if there is one, and the host's. */
  static SSLContext verified(@Nullable Path caDirectory, HostCertificates host) throws IOException {
    List<Certificate> more = host.authorities();
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      boolean own = caDirectory != null || !more.isEmpty();
      context.init(host.clientKeys(), own ? managers(caDirectory, more) : null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  /** Believes anyone; for hosts that the configuration calls insecure. */
  static SSLContext unverified(HostCertificates host) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(host.clientKeys(), new TrustManager[] {new Anyone()}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  /**
   * What believes Java's own authorities and those of a folder's PEM files.
   *
   * @throws RegistryException INVALID if the folder or one of its files cannot be read
   */
  public static TrustManager[] managers(Path folder) throws IOException {
    return managers(folder, List.of());
  }

  private static TrustManager[] managers(@Nullable Path folder, List<Certificate> more)
      throws IOException {
    try {
      KeyStore all = KeyStore.getInstance(KeyStore.getDefaultType());
      all.load(null, null);
      int count = 0;
      for (Certificate certificate : more) {
        all.setCertificateEntry("host-" + count++, certificate);
      }
      return readAll(folder, all);
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  private static TrustManager[] readAll(@Nullable Path folder, KeyStore all)
      throws GeneralSecurityException, IOException {
    int count = 0;
    TrustManagerFactory system =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    system.init((KeyStore) null);
    for (TrustManager manager : system.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        for (X509Certificate issuer : x509.getAcceptedIssuers()) {
          all.setCertificateEntry("system-" + count++, issuer);
        }
      }
    }
    if (folder != null) {
      addAll(folder, all);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(all);
    return factory.getTrustManagers();
  }

  private static void addAll(Path folder, KeyStore all)
      throws GeneralSecurityException, IOException {
    int count = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, Trust::isPem)) {
      for (Path file : files) {
        for (Certificate certificate : read(file)) {
          all.setCertificateEntry("own-" + count++, certificate);
        }
      }
    } catch (IOException e) {
      throw new RegistryException(
          RegistryException.Code.INVALID,
          "tried to read certificate authorities on "
              + folder
              + " but "
              + e.getMessage()
              + "; put PEM files with CERTIFICATE blocks there",
          e);
    }
  }

  /** A ConfigMap's volume has {@code ..data} links beside its files. */
  private static boolean isPem(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return !name.startsWith(".")
        && name.matches(".*\\.(pem|crt|cer|cert)")
        && Files.isRegularFile(file);
  }

  static Collection<? extends Certificate> read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificates(in);
    } catch (CertificateException e) {
      throw new IOException(file + " is not a PEM certificate", e);
    }
  }

  /** Extended, since Java checks the host name itself for the plain interface. */
  private static final class Anyone extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  private Trust() {}
}
