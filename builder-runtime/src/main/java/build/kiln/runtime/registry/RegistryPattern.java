package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import java.util.Comparator;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a key in docker's {@code auths} is for: a registry host, in which {@code *} stands for a
 * part between two dots, and perhaps a path that repositories begin with. As kubelet matches them,
 * but a path ends at a slash here, so that {@code shop} does not stand for {@code shop-private}.
 *
 * @param host host and port, lower case, {@code docker.io} for all of Docker Hub's names
 * @param path without slashes at its ends; empty for all repositories
 */
record RegistryPattern(String host, String path) {
  /** Best first: a host without wildcards, then the longer path, then the longer host. */
  static final Comparator<RegistryPattern> BY_PRECISION =
      (a, b) -> {
        int wildcards = Boolean.compare(a.host.indexOf('*') >= 0, b.host.indexOf('*') >= 0);
        int paths = Integer.compare(b.path.length(), a.path.length());
        int hosts = Integer.compare(b.host.length(), a.host.length());
        return wildcards != 0 ? wildcards : paths != 0 ? paths : hosts;
      };

  /** Reads a key: host, URL (as docker writes Docker Hub's) or host with path. */
  static RegistryPattern parse(String key) {
    String rest = key.strip().replaceFirst("^[a-zA-Z]+://", "");
    int slash = rest.indexOf('/');
    String host = canonicalHost(slash < 0 ? rest : rest.substring(0, slash));
    String path = slash < 0 ? "" : rest.substring(slash + 1).replaceAll("^/+|/+$", "");
    // https://index.docker.io/v1/ is an API's address, not a repository's.
    return new RegistryPattern(host, path.equals("v1") || path.equals("v2") ? "" : path);
  }

  /** Lower case, and one name for Docker Hub. */
  static String canonicalHost(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    return Reference.HUB_HOSTS.contains(lower) ? "docker.io" : lower;
  }

  boolean matches(Reference repository) {
    return hostMatches(canonicalHost(repository.registry()))
        && (path.isEmpty()
            || repository.repository().equals(path)
            || repository.repository().startsWith(path + "/"));
  }

  private boolean hostMatches(String actual) {
    if (host.indexOf('*') < 0) {
      return host.equals(actual);
    }
    String regex =
        Pattern.compile("\\*")
            .splitAsStream(host + " ") // the blank keeps a trailing star from being dropped
            .map(part -> Pattern.quote(part.strip()))
            .collect(Collectors.joining("[^.:]*"));
    return actual.matches(regex);
  }
}
