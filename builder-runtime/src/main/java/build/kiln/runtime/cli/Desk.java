package build.kiln.runtime.cli;

import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.registry.DockerConfigCredentials;
import build.kiln.runtime.registry.ProxySettings;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.RetryPolicy;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the environment of a person says: where the store is, proxies, registry logins. */
final class Desk {
  private static final List<String> PROXIES = List.of("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY");
  private final Map<String, String> environment;

  Desk(Map<String, String> environment) {
    this.environment = Map.copyOf(environment);
  }

  static Desk ofThisProcess() {
    return new Desk(System.getenv());
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
    return RegistryConfig.builder()
        .insecureHosts(insecureHosts)
        .proxies(ProxySettings.from(environment))
        .retry(retry)
        .userAgent(Version.text().replace(' ', '/'))
        .build();
  }
}
