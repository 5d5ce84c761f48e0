package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What of a new plan an approval of an earlier one allows. Registries change between the two, so
 * the new plan decides what may go, and the earlier one what was approved: a repository is pruned
 * if the earlier plan has all that the new one deletes in it. A part of a repository's deletions
 * would not do: they are in an order, and what is left out may list what goes.
 */
final class Approval {
  private Approval() {}

  /** The new plan without the repositories of which something was not approved. */
  static Plan of(Plan now, Plan approved) {
    List<RepositoryPlan> repositories = new ArrayList<>();
    for (RepositoryPlan repository : now.repositories()) {
      Set<Object> allowed = new HashSet<>();
      approved
          .repository(repository.name())
          .ifPresent(r -> r.deletions().forEach(d -> allowed.add(key(d))));
      boolean all = repository.deletions().stream().allMatch(d -> allowed.contains(key(d)));
      repositories.add(all ? repository : repository.withoutDeletions());
    }
    return now.with(repositories);
  }

  private record TagOf(String tag, Digest digest) {}

  private record ManifestOf(Digest digest, List<String> tags) {}

  private static Object key(Deletion deletion) {
    return switch (deletion) {
      case Deletion.OfTag t -> new TagOf(t.tag(), t.digest());
      case Deletion.OfManifest m -> new ManifestOf(m.digest(), m.tags());
    };
  }
}
