package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.RunReport.Outcome;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What a run writes into the ledger before its deletions and after them. */
final class LedgerMarks {
  private final LedgerBook book;

  LedgerMarks(LedgerBook book) {
    this.book = book;
  }

  private interface Change {
    LedgerEntry of(Digest digest, LedgerEntry entry);
  }

  /** Marks what is to go, so that a run after one that was killed knows what was left. */
  void begin(Plan plan) throws IOException {
    Map<String, Change> changes = new HashMap<>();
    for (RepositoryPlan repository : plan.repositories()) {
      Set<Digest> digests = new HashSet<>();
      repository.deletions().stream()
          .filter(OfManifest.class::isInstance)
          .forEach(d -> digests.add(d.digest()));
      changes.put(
          repository.name(),
          (digest, entry) -> {
            if (digests.contains(digest)) {
              return entry.withState(State.DOOMED);
            }
            return entry.doomed() ? entry.withState(State.THERE) : entry;
          });
    }
    update(changes);
  }

  /**
   * Remembers what has gone; what was tried and stays is not marked any more, since rules may not
   * select it when it can go. What was not tried, as the run was ended, stays marked.
   */
  void end(Collection<Outcome> outcomes) throws IOException {
    Map<String, Set<Digest>> gone = new HashMap<>();
    Map<String, Set<Digest>> there = new HashMap<>();
    Map<String, Map<Digest, Set<String>>> untagged = new HashMap<>();
    Map<String, Change> changes = new HashMap<>();
    for (Outcome outcome : outcomes) {
      String name = outcome.repository();
      switch (outcome.deletion()) {
        case OfManifest m ->
            (outcome.gone() ? gone : there)
                .computeIfAbsent(name, ignored -> new HashSet<>())
                .add(m.digest());
        case OfTag t -> {
          if (outcome.gone()) {
            untagged
                .computeIfAbsent(name, ignored -> new HashMap<>())
                .computeIfAbsent(t.digest(), ignored -> new HashSet<>())
                .add(t.tag());
          }
        }
      }
      changes.computeIfAbsent(
          name,
          ignored ->
              (digest, entry) -> {
                if (gone.getOrDefault(name, Set.of()).contains(digest)) {
                  return entry.withState(State.GONE);
                }
                if (entry.doomed() && there.getOrDefault(name, Set.of()).contains(digest)) {
                  return entry.withState(State.THERE);
                }
                return entry.withoutTags(
                    untagged.getOrDefault(name, Map.of()).getOrDefault(digest, Set.of()));
              });
    }
    update(changes);
  }

  private void update(Map<String, Change> changes) throws IOException {
    book.update(
        ledger -> {
          Map<String, Map<Digest, LedgerEntry>> all = new HashMap<>(ledger.repositories());
          changes.forEach(
              (repository, change) -> {
                Map<Digest, LedgerEntry> its = new HashMap<>(ledger.repository(repository));
                its.replaceAll(change::of);
                all.put(repository, its);
              });
          return new Ledger(ledger.latest(), all);
        });
  }
}
