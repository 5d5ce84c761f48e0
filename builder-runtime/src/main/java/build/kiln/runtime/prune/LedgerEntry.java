package build.kiln.runtime.prune;

import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of a digest in a repository.
 *
 * @param firstSeen when a scan first found it
 * @param untaggedSince when a scan first found it without the tags it had; null while it has some,
 *     or if it never had any
 * @param lastSeen the day of the last scan that found it, in days since 1970
 * @param tags its tags, and since when each was seen on it
 * @param state whether it is there, and stays
 */
public record LedgerEntry(
    Instant firstSeen,
    @Nullable Instant untaggedSince,
    long lastSeen,
    Map<String, Instant> tags,
    State state) {

  /** In this order of two that differ on one day the later holds. */
  enum State {
    /** The last scan found it. */
    THERE,
    /** A plan that is being carried out, or was, deletes it. */
    DOOMED,
    /** The last scan did not find it any more. */
    GONE
  }

  public LedgerEntry {
    tags = Map.copyOf(tags);
  }

  /** Since when it has been as it is, without tags. */
  Instant idleSince() {
    return untaggedSince != null && untaggedSince.isAfter(firstSeen) ? untaggedSince : firstSeen;
  }

  boolean doomed() {
    return state == State.DOOMED;
  }

  /** What has gone has no tags. */
  LedgerEntry withState(State other) {
    Map<String, Instant> its = other == State.GONE ? Map.of() : tags;
    return state == other && its.size() == tags.size()
        ? this
        : new LedgerEntry(firstSeen, untaggedSince, lastSeen, its, other);
  }

  /** Without tags that were deleted; the last one stays until a scan says since when it is gone. */
  LedgerEntry withoutTags(Set<String> deleted) {
    Map<String, Instant> rest = new TreeMap<>(tags);
    rest.keySet().removeAll(deleted);
    return rest.isEmpty() || rest.size() == tags.size()
        ? this
        : new LedgerEntry(firstSeen, untaggedSince, lastSeen, rest, state);
  }

  /**
   * Of two records of one thing, what is true for both: the earlier first sight, and of the rest
   * what was seen later. The order does not matter.
   */
  LedgerEntry merge(LedgerEntry other) {
    boolean newer =
        lastSeen != other.lastSeen ? lastSeen > other.lastSeen : tags.size() >= other.tags.size();
    LedgerEntry later = newer ? this : other;
    Map<String, Instant> merged = new TreeMap<>(later.tags);
    LedgerEntry earlier = newer ? other : this;
    earlier.tags.forEach(
        (tag, since) -> {
          // On one day nobody can tell who was later: what either saw is kept.
          if (lastSeen == other.lastSeen || merged.containsKey(tag)) {
            merged.merge(tag, since, (a, b) -> a.isBefore(b) ? b : a);
          }
        });
    return new LedgerEntry(
        firstSeen.isBefore(other.firstSeen) ? firstSeen : other.firstSeen,
        merged.isEmpty() ? latest(untaggedSince, other.untaggedSince) : null,
        later.lastSeen,
        merged,
        lastSeen == other.lastSeen && state.compareTo(other.state) < 0 ? other.state : later.state);
  }

  private static @Nullable Instant latest(@Nullable Instant a, @Nullable Instant b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return a.isAfter(b) ? a : b;
  }
}
