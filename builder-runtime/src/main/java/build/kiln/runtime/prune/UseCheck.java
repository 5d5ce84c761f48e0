package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.prune.Executor.CurrentUse;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Asks before each deletion in a repository whether something of it came into use. */
final class UseCheck {
  private final CurrentUse use;
  private final RepositoryPlan plan;

  private @Nullable InUse last;
  private Optional<String> lastAnswer = Optional.empty();

  UseCheck(CurrentUse use, RepositoryPlan plan) {
    this.use = use;
    this.plan = plan;
  }

  /** Why nothing more in the repository may go; empty if it may. */
  Optional<String> look() throws IOException {
    InUse now = use.now();
    // Most answers are the one before, and a new index of them costs as much as listing.
    InUse before = last;
    if (before == null || !now.equals(before)) {
      lastAnswer = judge(now);
      last = now;
    }
    return lastAnswer;
  }

  private Optional<String> judge(InUse now) {
    UseIndex index = new UseIndex(now);
    if (!index.unknown().isEmpty()) {
      return Optional.of("what is in use cannot be listed: " + String.join("; ", index.unknown()));
    }
    Optional<Busy> writer = index.busy(plan.name());
    if (writer.isPresent()) {
      return Optional.of(writer.get().by() + " writes to the repository now");
    }
    Optional<Unparsable> unparsable = index.unparsable(plan.name());
    if (unparsable.isPresent()) {
      return unparsable.map(u -> u.by() + " has \"" + u.text() + "\" now");
    }
    UseIndex.Uses uses = index.of(plan.name());
    for (Deletion deletion : plan.deletions()) {
      Optional<String> user = user(deletion, uses, index);
      if (user.isPresent()) {
        return user.map(by -> deletion.digest() + " is used by " + by + " now");
      }
    }
    return Optional.empty();
  }

  private static Optional<String> user(Deletion deletion, UseIndex.Uses uses, UseIndex index) {
    List<Digest> digests = new ArrayList<>(List.of(deletion.digest()));
    List<String> tags =
        switch (deletion) {
          case OfTag t -> List.of(t.tag());
          case OfManifest m -> {
            // Its configuration is among them, by whose digest nodes name what they run.
            m.blobs().forEach(blob -> digests.add(blob.digest()));
            yield m.tags();
          }
        };
    for (Digest digest : digests) {
      String by = uses.digests().get(digest);
      if (by != null) {
        return Optional.of(by);
      }
      // A tag of what stays may go.
      Optional<String> elsewhere =
          deletion instanceof OfManifest ? index.anywhere(digest) : Optional.empty();
      if (elsewhere.isPresent()) {
        return elsewhere;
      }
    }
    for (String tag : tags) {
      String by = uses.tags().get(tag);
      if (by != null) {
        return Optional.of(by);
      }
    }
    return Optional.empty();
  }
}
