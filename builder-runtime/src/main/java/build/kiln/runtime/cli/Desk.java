package build.kiln.runtime.cli;

import build.kiln.runtime.cli.manifest.ManifestException;
import build.kiln.runtime.cli.manifest.Place;
import build.kiln.runtime.cli.manifest.RegistriesFile;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.registry.DockerConfigCredentials;
import build.kiln.runtime.registry.DockerLogins;
import build.kiln.runtime.registry.ProxySettings;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.RetryPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the environment of a person says: where the store is, proxies, registry logins. */
final class Desk {
  private static final List<String> PROXIES = List.of("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY");

  /** What tests run commands at, whose process has one environment. */
  static final ScopedValue<Desk> STAND_IN = ScopedValue.newInstance();

  private final Map<String, String> environment;

  Desk(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  static Desk ofThisProcess() {
    return STAND_IN.isBound() ? STAND_IN.get() : new Desk(System.getenv());
  }

  Map<String, String> environment() {
    return environment;
  }

  /** {@code KILN_STORE}, else root's {@code /var/lib/kiln}, else the user's data folder. */
  Path store() {
    String named = environment.get("KILN_STORE");
    if (named != null && !named.isEmpty()) {
      return Path.of(named);
    }
    // Root of a user namespace is an ordinary user, whose folder that is.
    boolean root = home().equals(Path.of("/root"));
    if (root) {
      return Path.of("/var/lib/kiln");
    }
    return Optional.ofNullable(environment.get("XDG_DATA_HOME"))
        .filter(folder -> folder.startsWith("/"))
        .map(Path::of)
        .orElseGet(() -> home().resolve(".local/share"))
        .resolve("kiln");
  }

  Path home() {
    return Path.of(System.getProperty("user.home", "/"));
  }

  /** Proxies by their names in capitals, as RUN gets them, in small letters too. */
  Map<String, String> proxies() {
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : PROXIES) {
      String lower = name.toLowerCase(Locale.ROOT);
      String value = environment.getOrDefault(lower, environment.get(name));
      if (value != null && !value.isEmpty()) {
        found.put(name, value);
        found.put(lower, value);
      }
    }
    return found;
  }

  DockerConfigCredentials credentials() {
    return DockerConfigCredentials.ofUser(environment, home());
  }

  Path sshFolder() {
    return home().resolve(".ssh");
  }

  /** For repositories that a Dockerfile names. */
  GitAccess git() {
    return GitAccess.anonymous()
        .withProxies(ProxySettings.from(environment))
        .withSshFolder(sshFolder());
  }

  RegistryConfig registry(Collection<String> insecureHosts) {
    return registry(insecureHosts, RetryPolicy.DEFAULT);
  }

  RegistryConfig registry(Collection<String> insecureHosts, RetryPolicy retry) {
    RegistriesFile file = registriesFile();
    RegistryConfig.Builder config = RegistryConfig.builder();
    try {
      file.mirrors().forEach(config::mirrors);
      return config
          .insecureHosts(file.insecureRegistries())
          .caDirectory(file.caDirectory().map(Path::of).orElse(null))
          .certDirectories(certDirectories(file))
          .insecureHosts(insecureHosts)
          .proxies(ProxySettings.from(environment))
          .retry(retry)
          .userAgent(Version.text().replace(' ', '/'))
          .build();
    } catch (IllegalArgumentException e) {
      throw new ManifestException(
          ManifestException.Code.FieldInvalid,
          "registries.yaml, --insecure-registry or a proxy's variable",
          List.of(new ManifestException.Problem(new Place(1, 1), String.valueOf(e.getMessage()))));
    }
  }

  /**
   * {@code KILN_REGISTRIES}, else {@code kiln/registries.yaml} in the user's configuration, else
   * {@code /etc/kiln/registries.yaml}.
   */
  private RegistriesFile registriesFile() {
    String named = environment.getOrDefault("KILN_REGISTRIES", "");
    List<Path> files =
        named.isEmpty()
            ? List.of(
                configFolder().resolve("kiln/registries.yaml"),
                Path.of("/etc/kiln/registries.yaml"))
            : List.of(Path.of(named));
    for (Path file : files) {
      try {
        return RegistriesFile.read(file.toString(), Files.readAllBytes(file));
      } catch (NoSuchFileException e) {
        if (!named.isEmpty()) {
          throw unreadable(file, "it is not there, and KILN_REGISTRIES names it");
        }
      } catch (IOException e) {
        throw unreadable(file, "it cannot be read: " + e.getMessage());
      }
    }
    return RegistriesFile.EMPTY;
  }

  private static ManifestException unreadable(Path file, String why) {
    return new ManifestException(
        ManifestException.Code.SyntaxInvalid,
        file.toString(),
        List.of(new ManifestException.Problem(new Place(1, 1), why)));
  }

  private Path configFolder() {
    return Optional.ofNullable(environment.get("XDG_CONFIG_HOME"))
        .filter(folder -> folder.startsWith("/"))
        .map(Path::of)
        .orElseGet(() -> home().resolve(".config"));
  }

  /** Those of the file, then the user's and the machine's, as podman and docker have them. */
  private List<Path> certDirectories(RegistriesFile file) {
    List<Path> all = new ArrayList<>();
    file.certDirectories().forEach(folder -> all.add(Path.of(folder)));
    all.add(configFolder().resolve("containers/certs.d"));
    all.add(configFolder().resolve("docker/certs.d"));
    all.add(Path.of("/etc/containers/certs.d"));
    all.add(Path.of("/etc/docker/certs.d"));
    return all;
  }

  DockerLogins logins() {
    return DockerLogins.ofUser(environment, home());
  }
}
