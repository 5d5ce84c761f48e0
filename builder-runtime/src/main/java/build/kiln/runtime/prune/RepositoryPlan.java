package build.kiln.runtime.prune;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of one repository.
 *
 * @param name registry and repository
 * @param kept by digest
 * @param deletions in the order in which they are to be done: whatever is done of them, nothing
 *     that is left lists what has gone
 * @param untouched why nothing in it may be touched; null if it may
 */
public record RepositoryPlan(
    String name, List<Keep> kept, List<Deletion> deletions, @Nullable Verdict untouched) {
  public RepositoryPlan {
    kept = List.copyOf(kept);
    deletions = List.copyOf(deletions);
  }

  RepositoryPlan withoutDeletions() {
    return new RepositoryPlan(name, kept, List.of(), untouched);
  }

  RepositoryPlan withoutKept() {
    return new RepositoryPlan(name, List.of(), deletions, untouched);
  }
}
