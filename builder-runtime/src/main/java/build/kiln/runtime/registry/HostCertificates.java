package build.kiln.runtime.registry;

import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * What folders as docker's and podman's {@code certs.d} have for one registry: in {@code HOST:PORT}
 * or {@code HOST} are authorities ({@code *.crt}, {@code *.pem}) and client certificates ({@code
 * NAME.cert} with {@code NAME.key}).
 *
 * @param folders those that there are, the first directory's first
 */
record HostCertificates(List<Path> folders) {
  private static final char[] NO_PASSWORD = new char[0];
  private static final String CERT = ".cert";

  HostCertificates {
    folders = List.copyOf(folders);
  }

  /**
   * @param directories each with a folder a registry; one that is not there is empty
   */
  static HostCertificates of(List<Path> directories, String host, int port) {
    List<Path> found = new ArrayList<>();
    for (Path directory : directories) {
      for (String name : names(host, port)) {
        Path folder = directory.resolve(name);
        if (Files.isDirectory(folder)) {
          found.add(folder);
          break;
        }
      }
    }
    return new HostCertificates(found);
  }

  private static List<String> names(String host, int port) {
    List<String> names = new ArrayList<>(List.of(host + ":" + port, host));
    if (host.equals("registry-1.docker.io")) {
      names.add("docker.io");
    }
    return names;
  }

  /**
   * The authorities that are trusted for this registry beside the others.
   *
   * @throws RegistryException INVALID if a file is not what its name says
   */
  List<Certificate> authorities() throws IOException {
    List<Certificate> all = new ArrayList<>();
    for (Path folder : folders) {
      for (Path file : files(folder, "crt", "pem")) {
        all.addAll(certificates(file));
      }
    }
    return all;
  }

  /**
   * What proves to the registry who we are; null if there is nothing.
   *
   * @throws RegistryException INVALID if a certificate has no key, or one cannot be read
   */
  KeyManager @Nullable [] clientKeys() throws IOException {
    try {
      KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, NO_PASSWORD);
      for (Path folder : folders) {
        for (Path certificate : files(folder, "cert")) {
          String name = name(certificate).substring(0, name(certificate).length() - CERT.length());
          Certificate[] chain = certificates(certificate).toArray(Certificate[]::new);
          PrivateKey key = key(certificate, certificate.resolveSibling(name + ".key"));
          store.setKeyEntry(certificate.toString(), key, NO_PASSWORD, chain);
        }
      }
      if (store.size() == 0) {
        return null;
      }
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, NO_PASSWORD);
      return factory.getKeyManagers();
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot set up TLS", e);
    }
  }

  private static PrivateKey key(Path certificate, Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw bad(certificate, "it has no key beside it (looked for " + file.getFileName() + ")");
    }
    try {
      return PemKeys.read(Files.readString(file));
    } catch (IOException e) {
      throw bad(file, Failures.printable(e.getMessage(), 300));
    }
  }

  private static Collection<? extends Certificate> certificates(Path file) throws IOException {
    try {
      return Trust.read(file);
    } catch (IOException e) {
      throw bad(file, "it is no PEM certificate, or cannot be read");
    }
  }

  private static RegistryException bad(Path file, String why) {
    return new RegistryException(
        Code.INVALID,
        "tried to read certificates of a registry from "
            + file
            + " but "
            + why
            + "; put authorities there as *.crt, and client certificates as NAME.cert and NAME.key");
  }

  private static List<Path> files(Path folder, String... endings) throws IOException {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        String name = name(file).toLowerCase(Locale.ROOT);
        boolean wanted = List.of(endings).contains(name.substring(name.lastIndexOf('.') + 1));
        if (wanted && !name.startsWith(".") && Files.isRegularFile(file)) {
          found.add(file);
        }
      }
    }
    found.sort(null);
    return found;
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
