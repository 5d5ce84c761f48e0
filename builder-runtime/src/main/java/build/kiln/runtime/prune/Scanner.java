package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Finds out what there is, and makes a plan of it. What is new goes into the ledger, so that a
 * later scan knows since when it is there.
 */
public final class Scanner {
  private final RegistryClient client;
  private final LedgerBook book;
  private final ManifestCache cache;
  private final Clock clock;

  /**
   * @param client without mirrors: what a mirror has says nothing of the registry
   */
  public Scanner(RegistryClient client, LedgerBook book, ManifestCache cache, Clock clock) {
    this.client = client;
    this.book = book;
    this.cache = cache;
    this.clock = clock;
  }

  /**
   * Scans repositories and plans. Deletes nothing.
   *
   * @param repositories registry and repository of each; those that no rule governs are left out
   * @throws PruneException if the ledger cannot be read or written
   */
  public Plan plan(PrunePolicy policy, InUse inUse, Collection<String> repositories)
      throws IOException {
    Ledger before = book.load();
    boolean labels = !policy.protection().labels().isEmpty();
    List<RepositoryInventory> inventory = new ArrayList<>();
    for (String name : new TreeSet<>(repositories)) {
      if (policy.rulesFor(name).isPresent()) {
        inventory.add(scan(name, before, labels));
      }
    }
    Instant now = clock.instant();
    Planner planner = new Planner(policy, inUse);
    Plan first = planner.plan(inventory, before, now);
    // Referrers have no tags and are in no list but their subject's: a request for each digest,
    // which only those repositories are worth in which one goes.
    boolean more = false;
    for (int i = 0; i < inventory.size(); i++) {
      RepositoryInventory found = inventory.get(i);
      boolean loses =
          first.repository(found.name()).stream()
              .flatMap(r -> r.deletions().stream())
              .anyMatch(OfManifest.class::isInstance);
      if (loses) {
        inventory.set(i, withReferrers(found, before, labels));
        more = true;
      }
    }
    remember(inventory, now);
    return more ? planner.plan(inventory, before, now) : first;
  }

  private void remember(List<RepositoryInventory> inventory, Instant now) throws IOException {
    book.update(
        ledger -> {
          Instant seen = ledger.latest().isAfter(now) ? ledger.latest() : now;
          Map<String, Map<Digest, LedgerEntry>> all = new HashMap<>(ledger.repositories());
          for (RepositoryInventory found : inventory) {
            Map<Digest, LedgerEntry> known = ledger.repository(found.name());
            if (found.failure() == null && Planner.vanished(found, known, now).isEmpty()) {
              all.put(found.name(), Observation.of(found, known, seen));
            }
          }
          return new Ledger(seen, all);
        });
  }

  private RepositoryInventory scan(String name, Ledger ledger, boolean labels)
      throws InterruptedIOException {
    return guarded(
        name,
        () -> {
          Map<Digest, ManifestFacts> cached = cache.load(name);
          RepositoryInventory found =
              new RepositoryScan(client, Reference.parse(name), ledger, cached, labels).run();
          if (!found.manifests().equals(cached)) {
            cache.save(name, found.manifests());
          }
          return found;
        });
  }

  private RepositoryInventory withReferrers(
      RepositoryInventory found, Ledger ledger, boolean labels) throws InterruptedIOException {
    return guarded(
        found.name(),
        () -> {
          Map<Digest, ManifestFacts> cached = cache.load(found.name());
          RepositoryInventory more =
              new RepositoryScan(client, Reference.parse(found.name()), ledger, cached, labels)
                  .withReferrers(found);
          if (!more.manifests().equals(found.manifests())) {
            cache.save(found.name(), more.manifests());
          }
          return more;
        });
  }

  private interface Scan {
    RepositoryInventory run() throws IOException;
  }

  /** What fails in one repository keeps that one, and no other. */
  private static RepositoryInventory guarded(String name, Scan scan) throws InterruptedIOException {
    try {
      return scan.run();
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      return RepositoryInventory.failed(name, String.valueOf(e.getMessage()));
    }
  }
}
