package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** One name for a repository, however it is written. */
final class Names {
  private static final String HUB = "docker.io";
  private static final int LABEL = 40;
  private static final int HASH = 10;

  private Names() {}

  /** Registry in lower case, or Docker Hub's first name, and repository. */
  static String canonical(Reference reference) {
    return canonical(reference.registry(), reference.repository());
  }

  /** The same of {@code registry/repository}, of which the repository may be a pattern. */
  static String canonical(String pattern) {
    int slash = pattern.indexOf('/');
    return canonical(pattern.substring(0, slash), pattern.substring(slash + 1));
  }

  private static String canonical(String registry, String repository) {
    String lower = registry.toLowerCase(Locale.ROOT);
    if (!Reference.HUB_HOSTS.contains(lower)) {
      return lower + "/" + repository;
    }
    boolean official = repository.indexOf('/') < 0 && repository.indexOf('*') < 0;
    return HUB + (official ? "/library/" : "/") + repository;
  }

  /**
   * A policy's name as the value of a label and a part of other names: itself if it is short, else
   * its start and a hash.
   */
  static String label(String policy) {
    if (policy.length() <= LABEL) {
      return policy;
    }
    String hash = Digest.ofBytes(policy.getBytes(StandardCharsets.UTF_8)).hex();
    return policy.substring(0, LABEL - HASH - 1) + "-" + hash.substring(0, HASH);
  }
}
