package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.util.Map;

/**
 * What was read of manifests, so that none is fetched twice. It may be lost at any time: then they
 * are.
 */
public interface ManifestCache {
  /** What is known of a repository's manifests. */
  Map<Digest, ManifestFacts> load(String repository) throws IOException;

  /** Replaces it. */
  void save(String repository, Map<Digest, ManifestFacts> manifests) throws IOException;

  /**
   * Called when all repositories were scanned.
   *
   * @throws IOException if what was saved cannot be kept for another run, which costs that run time
   */
  default void keep() throws IOException {}
}
