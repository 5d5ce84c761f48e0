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
  /** Java's own authorities and those of a folder of PEM files, if there is one. */
  static SSLContext verified(@Nullable Path caDirectory) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, caDirectory == null ? null : managers(caDirectory), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  /** Believes anyone; for hosts that the configuration calls insecure. */
  static SSLContext unverified() throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anyone()}, null);
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
    try {
      return readAll(folder, KeyStore.getInstance(KeyStore.getDefaultType()));
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  private static TrustManager[] readAll(Path folder, KeyStore all)
      throws GeneralSecurityException, IOException {
    all.load(null, null);
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
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(all);
    return factory.getTrustManagers();
  }

  /** A ConfigMap's volume has {@code ..data} links beside its files. */
  private static boolean isPem(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return !name.startsWith(".")
        && name.matches(".*\\.(pem|crt|cer|cert)")
        && Files.isRegularFile(file);
  }

  private static Iterable<? extends Certificate> read(Path file) throws IOException {
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
