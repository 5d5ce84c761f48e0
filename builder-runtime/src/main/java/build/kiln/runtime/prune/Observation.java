package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.LedgerEntry.State;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/** Brings what a scan saw into what was known. */
final class Observation {
  private Observation() {}

  /**
   * The digests known of a repository after a scan.
   *
   * @param now the scan's time; never before {@link Ledger#latest}, so that a clock that jumped
   *     back makes nothing look old when it is right again
   */
  static Map<Digest, LedgerEntry> of(
      RepositoryInventory seen, Map<Digest, LedgerEntry> known, Instant now) {
    long today = Duration.between(Instant.EPOCH, now).toDays();
    Map<Digest, Map<String, Instant>> tags = new HashMap<>();
    seen.tags()
        .forEach(
            (tag, digest) -> {
              LedgerEntry entry = known.get(digest);
              Instant since = entry == null ? now : entry.tags().getOrDefault(tag, now);
              Map<String, Instant> others = tags.putIfAbsent(digest, Map.of(tag, since));
              if (others != null) {
                Map<String, Instant> all = new HashMap<>(others);
                all.put(tag, since);
                tags.put(digest, all);
              }
            });
    Map<Digest, LedgerEntry> after = new HashMap<>();
    known.forEach(
        (digest, entry) -> {
          boolean remembered = today - entry.lastSeen() <= Ledger.MEMORY.toDays();
          if (remembered && !seen.manifests().containsKey(digest)) {
            after.put(digest, gone(entry, now));
          }
        });
    for (Digest digest : seen.manifests().keySet()) {
      Map<String, Instant> its = tags.getOrDefault(digest, Map.of());
      LedgerEntry before = known.get(digest);
      after.put(
          digest,
          // What was gone was pushed again, and is new.
          before == null || before.state() == State.GONE
              ? new LedgerEntry(now, null, today, its, State.THERE)
              : again(before, its, today, now));
    }
    return after;
  }

  private static LedgerEntry again(
      LedgerEntry before, Map<String, Instant> tags, long today, Instant now) {
    if (before.lastSeen() == today && before.tags().equals(tags)) {
      return before;
    }
    // A tag on it says that somebody wants it again.
    return tags.isEmpty()
        ? new LedgerEntry(
            before.firstSeen(),
            before.tags().isEmpty() ? before.untaggedSince() : now,
            today,
            tags,
            before.state())
        : new LedgerEntry(before.firstSeen(), null, today, tags, State.THERE);
  }

  /** It is not there: that it was there is remembered for a while, for what depends on it. */
  private static LedgerEntry gone(LedgerEntry entry, Instant now) {
    return new LedgerEntry(
        entry.firstSeen(),
        entry.tags().isEmpty() ? entry.untaggedSince() : now,
        entry.lastSeen(),
        Map.of(),
        State.GONE);
  }
}
