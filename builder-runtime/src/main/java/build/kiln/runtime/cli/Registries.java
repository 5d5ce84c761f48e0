package build.kiln.runtime.cli;

import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;

/** Registries as people name them. */
final class Registries {
  /**
   * The host and port of a name or URL; a repository behind it is a mistake.
   *
   * @throws CommandFailure if it is no registry's name
   */
  static String host(String text) throws CommandFailure {
    String bare = text.strip().replaceFirst("^https?://", "").replaceFirst("/+(v[12]/?)?$", "");
    try {
      String host = new Reference(bare, "any", null, null).registry();
      return host.equals("index.docker.io") || host.equals("registry-1.docker.io")
          ? "docker.io"
          : host;
    } catch (OciException e) {
      throw CommandFailure.usage(text + ": want a registry, as HOST or HOST:PORT");
    }
  }

  private Registries() {}
}
