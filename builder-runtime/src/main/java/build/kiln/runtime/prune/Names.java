package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Reference;
import java.util.Locale;

/** One name for a repository, however it is written. */
final class Names {
  private Names() {}

  /** Registry in lower case, and repository. */
  static String canonical(Reference reference) {
    return reference.registry().toLowerCase(Locale.ROOT) + "/" + reference.repository();
  }
}
