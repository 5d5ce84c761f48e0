package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.LedgerEntry.State;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What earlier scans saw: the memory that registries do not have. Values never change; {@link
 * LedgerBook} writes new ones.
 *
 * @param latest the latest time that any scan wrote; a clock behind it has jumped back
 * @param repositories by name, then by digest
 */
public record Ledger(Instant latest, Map<String, Map<Digest, LedgerEntry>> repositories) {
  /** What was not seen for so long is forgotten. */
  static final Duration MEMORY = Duration.ofDays(30);

  public static final Ledger EMPTY = new Ledger(Instant.EPOCH, Map.of());

  /** The digests known of a repository. */
  public Map<Digest, LedgerEntry> repository(String name) {
    return repositories.getOrDefault(name, Map.of());
  }

  public Optional<LedgerEntry> entry(String repository, Digest digest) {
    return Optional.ofNullable(repository(repository).get(digest));
  }

  /** What each tag pointed at when it was last seen. */
  public Map<String, Digest> tags(String repository) {
    Map<String, Digest> tags = new TreeMap<>();
    Map<String, Instant> since = new HashMap<>();
    repository(repository)
        .forEach(
            (digest, entry) ->
                (entry.state() == State.GONE ? Map.<String, Instant>of() : entry.tags())
                    .forEach(
                        (tag, time) -> {
                          Instant other = since.get(tag);
                          if (other == null || time.isAfter(other)) {
                            since.put(tag, time);
                            tags.put(tag, digest);
                          }
                        }));
    return tags;
  }

  /** How many digests it holds. */
  public long size() {
    return repositories.values().stream().mapToLong(Map::size).sum();
  }

  /** What is in either; see {@link LedgerEntry#merge}. */
  public Ledger merge(Ledger other) {
    Map<String, Map<Digest, LedgerEntry>> merged = new HashMap<>(repositories);
    other.repositories.forEach(
        (name, entries) ->
            merged.merge(
                name,
                entries,
                (a, b) -> {
                  Map<Digest, LedgerEntry> both = new HashMap<>(a);
                  b.forEach((digest, entry) -> both.merge(digest, entry, LedgerEntry::merge));
                  return both;
                }));
    return new Ledger(latest.isAfter(other.latest) ? latest : other.latest, merged);
  }

  /** With one repository's digests replaced. */
  Ledger with(String repository, Map<Digest, LedgerEntry> entries, Instant written) {
    Map<String, Map<Digest, LedgerEntry>> changed = new HashMap<>(repositories);
    changed.put(repository, entries);
    return new Ledger(latest.isAfter(written) ? latest : written, changed);
  }
}
