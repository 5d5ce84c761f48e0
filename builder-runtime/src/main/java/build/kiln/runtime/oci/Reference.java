package build.kiln.runtime.oci;

import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An image reference: registry, repository, and a tag, a digest or both (the grammar of
 * distribution's reference package). Short names are Docker Hub's: {@code busybox} is {@code
 * docker.io/library/busybox:latest}.
 */
public record Reference(
    String registry, String repository, @Nullable String tag, @Nullable Digest digest) {
  /** All names of Docker Hub's registry. */
  public static final Set<String> HUB_HOSTS =
      Set.of("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com");

  private static final String HUB = "docker.io";

  /**
   * @throws OciException naming the part that does not fit the grammar
   */
  public Reference {
    if (!ReferenceGrammar.isRegistry(registry)) {
      throw new OciException("not a registry: \"" + registry + "\"");
    }
    if (!ReferenceGrammar.isRepository(repository) || repository.length() > 255) {
      throw new OciException(
          "not a repository name: \""
              + repository
              + "\""
              + (repository.chars().anyMatch(Character::isUpperCase)
                  ? " (it must be lower case)"
                  : ""));
    }
    if (tag != null && !ReferenceGrammar.isTag(tag)) {
      throw new OciException("not a tag: \"" + tag + "\"");
    }
  }

  /** Reads a reference; without tag and digest it stays without, see {@link #withDefaultTag()}. */
  public static Reference parse(String text) {
    String rest = text.strip();
    if (rest.isEmpty()) {
      throw new OciException("an image reference must not be empty");
    }
    Digest digest = null;
    int at = rest.indexOf('@');
    if (at >= 0) {
      digest = Digest.parse(rest.substring(at + 1));
      rest = rest.substring(0, at);
    }
    String tag = null;
    int colon = rest.lastIndexOf(':');
    if (colon > rest.lastIndexOf('/')) {
      tag = rest.substring(colon + 1);
      rest = rest.substring(0, colon);
    }
    int slash = rest.indexOf('/');
    String first = slash < 0 ? "" : rest.substring(0, slash);
    boolean named =
        first.contains(".")
            || first.contains(":")
            || first.equals("localhost")
            || first.chars().anyMatch(Character::isUpperCase);
    String registry = named ? first : HUB;
    String repository = named ? rest.substring(slash + 1) : rest;
    if (registry.equals("index.docker.io") || registry.equals("registry-1.docker.io")) {
      registry = HUB;
    }
    if (registry.equals(HUB) && !repository.contains("/")) {
      repository = "library/" + repository;
    }
    try {
      return new Reference(registry, repository, tag, digest);
    } catch (OciException e) {
      throw new OciException("not an image reference: \"" + text + "\": " + e.getMessage(), e);
    }
  }

  /** With the tag {@code latest} if it has neither tag nor digest. */
  public Reference withDefaultTag() {
    return tag == null && digest == null ? withTag("latest") : this;
  }

  public Reference withTag(String newTag) {
    return new Reference(registry, repository, newTag, null);
  }

  public Reference withDigest(Digest newDigest) {
    return new Reference(registry, repository, null, newDigest);
  }

  /** Registry and repository. */
  public String name() {
    return registry + "/" + repository;
  }

  /**
   * What the distribution API calls the reference: the digest if there is one, else the tag, else
   * latest.
   */
  public String identifier() {
    return digest != null ? digest.toString() : Optional.ofNullable(tag).orElse("latest");
  }

  @Override
  public String toString() {
    return name() + (tag == null ? "" : ":" + tag) + (digest == null ? "" : "@" + digest);
  }
}
