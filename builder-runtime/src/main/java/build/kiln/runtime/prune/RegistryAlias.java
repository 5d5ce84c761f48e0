package build.kiln.runtime.prune;

import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;

/**
 * Another name of a registry, such as the one by which nodes reach a Service.
 *
 * @param registry {@code host[:port]}
 * @param alias {@code host[:port]}
 */
public record RegistryAlias(String registry, String alias) {
  /**
   * @throws OciException if either is no host
   */
  public RegistryAlias {
    checkHost(registry);
    checkHost(alias);
  }

  private static void checkHost(String host) {
    try {
      new Reference(host, "any", null, null);
    } catch (OciException e) {
      throw new OciException(
          "\"%s\" is no registry: want a host, or host:port, without a scheme and a path"
              .formatted(host),
          e);
    }
  }
}
