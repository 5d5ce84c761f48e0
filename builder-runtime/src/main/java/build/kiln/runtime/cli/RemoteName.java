package build.kiln.runtime.cli;

import build.kiln.runtime.oci.Reference;
import java.util.Optional;

/** Names of images in registries, where a command's names are of the local store else. */
final class RemoteName {
  private static final String SCHEME = "docker://";

  /** The image, if it is named as one in a registry: {@code docker://NAME}. */
  static Optional<Reference> parse(String text) throws CommandFailure {
    return text.startsWith(SCHEME)
        ? Optional.of(LocalImages.name(text.substring(SCHEME.length())))
        : Optional.empty();
  }

  /** An image in a registry, with {@code docker://} before it or not. */
  static Reference of(String text) throws CommandFailure {
    return LocalImages.name(text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : text);
  }

  /** A repository in a registry: a name without tag and digest. */
  static Reference repository(String text) throws CommandFailure {
    Reference name = of(text);
    String bare = text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : text;
    if (name.digest() != null || bare.indexOf(':', bare.lastIndexOf('/') + 1) >= 0) {
      throw CommandFailure.usage(
          text + ": want a repository, without a tag or digest: " + name.name());
    }
    return new Reference(name.registry(), name.repository(), null, null);
  }

  private RemoteName() {}
}
