package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Bytes that become free: a registry keeps a blob once, whatever the number of manifests and
 * repositories that need it, so each counts once, and only if nothing needs it any more.
 */
final class Reclaimed {
  /** A blob of a registry. */
  private record Key(String registry, Digest digest) {}

  private final Plan plan;

  Reclaimed(Plan plan) {
    this.plan = plan;
  }

  long all() {
    return of(deletion -> true);
  }

  /** If only these deletions were done; the others' blobs are still needed. */
  long of(Predicate<OfManifest> done) {
    Set<Key> needed = new HashSet<>();
    Map<Key, Long> freed = new HashMap<>();
    long documents = 0;
    for (RepositoryPlan repository : plan.repositories()) {
      String registry = registry(repository.name());
      for (Deletion deletion : repository.deletions()) {
        if (deletion instanceof OfManifest manifest) {
          boolean gone = done.test(manifest);
          documents += gone ? manifest.size() : 0;
          for (Blob blob : manifest.blobs()) {
            Key key = new Key(registry, blob.digest());
            if (gone) {
              freed.put(key, blob.size());
            } else {
              needed.add(key);
            }
          }
        }
      }
    }
    freed.keySet().removeAll(needed);
    return documents + freed.values().stream().mapToLong(Long::longValue).sum();
  }

  static String registry(String repository) {
    return repository.substring(0, repository.indexOf('/'));
  }
}
