package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Reference;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One name for a registry, whatever name it is written with: in any case, with the port that its
 * scheme has anyway, by another of Docker Hub's names, by another form of a Service's DNS name, by
 * another name of the machine itself, or by an alias that a policy or a person gives. Names that
 * are made here are to be compared and never asked: two registries that get one name only protect
 * each other's images.
 */
final class RegistryNames {
  private static final String HUB = "docker.io";
  private static final String LIBRARY = "library/";
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  /** Of http and https. */
  private static final Set<String> DEFAULT_PORTS = Set.of("80", "443");

  private static final Pattern AUTHORITY = Pattern.compile("(?<host>.*?)(?::(?<port>[0-9]+))?");

  /** Of whatever domain the cluster has. */
  private static final Pattern SERVICE =
      Pattern.compile("(?<service>[a-z0-9-]+\\.[a-z0-9-]+)\\.svc(?:\\..+)?");

  /** Of each registry that has aliases, one of its names. */
  private final Map<String, String> chosen = new HashMap<>();

  RegistryNames(List<RegistryAlias> aliases) {
    for (RegistryAlias alias : aliases) {
      String registry = registry(alias.registry());
      String other = registry(alias.alias());
      chosen.replaceAll((name, its) -> its.equals(other) ? registry : its);
      chosen.put(other, registry);
    }
  }

  /**
   * The name of a registry.
   *
   * @param host {@code host[:port]}
   */
  String registry(String host) {
    String name = wellKnown(host.toLowerCase(Locale.ROOT));
    return chosen.getOrDefault(name, name);
  }

  private static String wellKnown(String authority) {
    Matcher parts = AUTHORITY.matcher(authority);
    if (!parts.matches()) {
      return authority;
    }
    String port = parts.group("port");
    String suffix = port == null || DEFAULT_PORTS.contains(port) ? "" : ":" + port;
    String host = parts.group("host");
    if (Reference.HUB_HOSTS.contains(host) && suffix.isEmpty()) {
      return HUB;
    }
    Matcher service = SERVICE.matcher(host);
    if (service.matches()) {
      return service.group("service") + suffix;
    }
    return (LOOPBACK.contains(host) ? "localhost" : host) + suffix;
  }

  /** The name of a repository, {@code registry/repository}. */
  String repository(String name) {
    String known = prefix(name);
    return known.startsWith(HUB + "/") && known.indexOf('/') == known.lastIndexOf('/')
        ? HUB + "/" + LIBRARY + path(known)
        : known;
  }

  /** The name of a registry, or of all repositories whose names begin so. */
  String prefix(String name) {
    int slash = name.indexOf('/');
    return slash < 0 ? registry(name) : registry(name.substring(0, slash)) + name.substring(slash);
  }

  /** What a name of a repository has after the registry. */
  static String path(String name) {
    return name.substring(name.indexOf('/') + 1);
  }
}
