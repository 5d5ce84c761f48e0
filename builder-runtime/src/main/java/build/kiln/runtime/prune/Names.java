package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** One name for a repository, however it is written. */
final class Names {
  private static final int LABEL = 40;
  private static final int HASH = 10;

  private Names() {}

  /** Registry in lower case, and repository. */
  static String canonical(Reference reference) {
    return reference.registry().toLowerCase(Locale.ROOT) + "/" + reference.repository();
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
