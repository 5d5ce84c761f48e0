package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.prune.Executor.CurrentUse;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Asks before each deletion in a repository whether something of it came into use. */
final class UseCheck {
  private final CurrentUse use;
  private final RepositoryPlan plan;

  /** Digests that stay and lose all tags. */
  private final Set<Digest> untagged = new HashSet<>();

  private @Nullable InUse last;
  private Optional<String> lastAnswer = Optional.empty();

  UseCheck(CurrentUse use, RepositoryPlan plan) {
    this.use = use;
    this.plan = plan;
    plan.deletions().stream()
        .filter(OfTag.class::isInstance)
        .forEach(deletion -> untagged.add(deletion.digest()));
    plan.kept().stream()
        .filter(keep -> !keep.tags().isEmpty())
        .forEach(keep -> untagged.remove(keep.digest()));
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
      return Optional.of("what is in use cannot be listed: " + Few.of(index.unknown()));
    }
    Optional<Busy> writer = index.busy(plan.name());
    if (writer.isPresent()) {
      return Optional.of(writer.get().by() + " writes to the repository now");
    }
    Optional<Unparsable> unparsable = index.unparsable(plan.name());
    if (unparsable.isPresent()) {
      return unparsable.map(u -> "a reference that cannot be parsed names it now: " + u.said());
    }
    UseIndex.Tags usedTags = index.tags(plan.name());
    for (Deletion deletion : plan.deletions()) {
      Optional<String> user = user(deletion, index, usedTags);
      if (user.isPresent()) {
        return user.map(by -> deletion.digest() + " is used by " + by + " now");
      }
    }
    return Optional.empty();
  }

  private Optional<String> user(Deletion deletion, UseIndex index, UseIndex.Tags usedTags) {
    return switch (deletion) {
      case OfTag t ->
          usedTags
              .user(t.tag())
              // A tag of what stays may go.
              .or(
                  () ->
                      untagged.contains(t.digest()) ? index.digest(t.digest()) : Optional.empty());
      case OfManifest m ->
          Stream.concat(
                  // Some nodes name what they run by its configuration.
                  Stream.of(Optional.of(m.digest()), Optional.ofNullable(m.config()))
                      .map(digest -> digest.flatMap(index::digest)),
                  m.tags().stream().map(usedTags::user))
              .flatMap(Optional::stream)
              .findFirst();
    };
  }
}
