package build.kiln.runtime.registry;

import build.kiln.runtime.oci.Reference;
import org.jspecify.annotations.Nullable;

/**
 * A place to send a repository's requests to: the registry itself or a mirror of it.
 *
 * @param authority the {@code host[:port]} to connect to
 * @param name the registry's name for credentials; {@code docker.io} for Docker Hub
 * @param prefix what stands before the repository's name there, or empty
 * @param scheme http or https if that is fixed; null to find out, which only insecure hosts need
 * @param mirrorOf the upstream's name, or null for an upstream
 */
record Endpoint(
    String authority,
    String name,
    String prefix,
    @Nullable String scheme,
    boolean insecure,
    @Nullable String mirrorOf) {

  static Endpoint upstream(String registry, RegistryConfig config) {
    String name = RegistryPattern.canonicalHost(registry);
    String authority = name.equals("docker.io") ? "registry-1.docker.io" : name;
    boolean insecure = config.isInsecure(name);
    return new Endpoint(authority, name, "", insecure ? null : "https", insecure, null);
  }

  static Endpoint mirror(Mirror mirror, String upstream, RegistryConfig config) {
    String name = RegistryPattern.canonicalHost(mirror.host());
    String authority = name.equals("docker.io") ? "registry-1.docker.io" : name;
    boolean insecure = config.isInsecure(name) || "http".equals(mirror.scheme());
    String scheme = mirror.scheme() != null || insecure ? mirror.scheme() : "https";
    return new Endpoint(authority, name, mirror.prefix(), scheme, insecure, upstream);
  }

  boolean isMirror() {
    return mirrorOf != null;
  }

  /** The repository as this endpoint and its credentials know it. */
  Reference repository(Reference wanted) {
    String path = prefix.isEmpty() ? wanted.repository() : prefix + "/" + wanted.repository();
    return new Reference(name, path, null, null);
  }

  /** What a mirror of several upstreams tells them apart by, as containerd sends it. */
  String query() {
    return mirrorOf == null ? "" : "?ns=" + mirrorOf;
  }

  String host() {
    return withoutPort(authority);
  }

  static String withoutPort(String authority) {
    int colon = authority.lastIndexOf(':');
    return colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
  }
}
