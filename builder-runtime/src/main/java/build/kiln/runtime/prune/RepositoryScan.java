package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Looks at one repository: one request for each tag, which brings no content where the tag has not
 * moved and the registry compares digests, and one for each manifest that was never read before.
 * Whatever is not answered is a failure.
 */
final class RepositoryScan {
  private static final int CONFIG_LIMIT = 8 << 20;

  private final RegistryClient client;
  private final Reference repository;
  private final Map<Digest, LedgerEntry> known;
  private final Map<String, Digest> knownTags;
  private final Map<Digest, ManifestFacts> cached;
  private final boolean labels;

  private final Map<String, Digest> tags = new ConcurrentHashMap<>();
  private final Map<Digest, ManifestFacts> manifests = new ConcurrentHashMap<>();
  private final Set<Digest> missing = ConcurrentHashMap.newKeySet();

  /**
   * @param ledger what earlier scans saw
   * @param cached manifests that were read before
   * @param labels whether the labels of images are wanted
   */
  RepositoryScan(
      RegistryClient client,
      Reference repository,
      Ledger ledger,
      Map<Digest, ManifestFacts> cached,
      boolean labels) {
    this.client = client;
    this.repository = repository;
    this.known = ledger.repository(Names.canonical(repository));
    this.knownTags = ledger.tags(Names.canonical(repository));
    this.cached = cached;
    this.labels = labels;
  }

  RepositoryInventory run() throws IOException {
    List<String> listed = listTags();
    if (!listed.isEmpty()) {
      checkComplete(listed);
    }
    Concurrently.all(listed, this::look);
    close();
    addUntagged();
    close();
    if (labels) {
      readLabels();
    }
    return inventory();
  }

  /**
   * With the referrers of all that is there, where the registry lists them.
   *
   * @param before what {@link #run} found
   */
  RepositoryInventory withReferrers(RepositoryInventory before) throws IOException {
    tags.putAll(before.tags());
    manifests.putAll(before.manifests());
    missing.addAll(before.missing());
    Set<Digest> asked = ConcurrentHashMap.newKeySet();
    List<Digest> next = List.copyOf(manifests.keySet());
    while (!next.isEmpty()) {
      asked.addAll(next);
      Concurrently.all(
          next,
          digest -> {
            for (Descriptor referrer : client.referrers(repository, digest)) {
              add(referrer.digest());
            }
          });
      close();
      next = manifests.keySet().stream().filter(d -> !asked.contains(d)).toList();
    }
    if (labels) {
      readLabels();
    }
    return inventory();
  }

  private RepositoryInventory inventory() {
    return new RepositoryInventory(
        Names.canonical(repository),
        new TreeMap<>(tags),
        new HashMap<>(manifests),
        new TreeSet<>(missing),
        null);
  }

  private List<String> listTags() throws IOException {
    try {
      return client.listAllTags(repository);
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        // As one without tags, which is not believed if it had many lately.
        checkComplete(List.of());
        return List.of();
      }
      throw e;
    }
  }

  /** Tags that were there and are not listed must be gone, or the list is cut short. */
  private void checkComplete(List<String> listed) throws IOException {
    Set<String> now = Set.copyOf(listed);
    List<String> lost = knownTags.keySet().stream().filter(tag -> !now.contains(tag)).toList();
    Concurrently.all(
        lost,
        tag -> {
          if (client.head(repository.withTag(tag)).isPresent()) {
            throw new PruneException(
                Code.REGISTRY_INCONSISTENT,
                "the tags of %s are not all listed: %s is there and not in the list"
                    .formatted(repository.name(), tag));
          }
        });
  }

  private void look(String tag) throws IOException {
    Reference ref = repository.withTag(tag);
    Digest before = knownTags.get(tag);
    ManifestFacts facts = before == null ? null : cached.get(before);
    try {
      Optional<FetchedManifest> changed =
          facts == null
              ? Optional.of(client.fetchManifest(ref))
              : client.fetchManifestUnless(ref, facts.digest());
      ManifestFacts now = changed.isPresent() ? read(changed.get()) : facts;
      if (now != null) {
        manifests.put(now.digest(), now);
        tags.put(tag, now.digest());
      }
    } catch (RegistryException e) {
      if (e.code() != RegistryException.Code.NOT_FOUND) {
        throw e;
      }
      // Deleted since the list was made, unless the tag is left over from a manifest that is lost.
      if (client.listAllTags(repository).contains(tag)) {
        throw e;
      }
    }
  }

  private ManifestFacts read(FetchedManifest fetched) throws IOException {
    Digest digest = fetched.descriptor().digest();
    ManifestFacts before = cached.get(digest);
    if (before != null) {
      return before;
    }
    try {
      return ManifestFacts.read(digest, fetched.descriptor().mediaType(), fetched.bytes());
    } catch (OciException e) {
      throw new PruneException(
          Code.REGISTRY_INCONSISTENT,
          "cannot read %s@%s: %s".formatted(repository.name(), digest, e.getMessage()),
          e);
    }
  }

  /** Reads what is pointed at until all of it was. */
  private void close() throws IOException {
    Set<Digest> wanted = pointedAt();
    while (!wanted.isEmpty()) {
      Concurrently.all(wanted, this::add);
      wanted = pointedAt();
    }
  }

  /** A child that was read once is taken to be there still: if it is not, it is not deleted. */
  private void addChildren() {
    List<ManifestFacts> next = List.copyOf(manifests.values());
    while (!next.isEmpty()) {
      List<ManifestFacts> found = new ArrayList<>();
      for (ManifestFacts parent : next) {
        for (Digest child : parent.children()) {
          ManifestFacts facts = cached.get(child);
          if (facts != null && manifests.putIfAbsent(child, facts) == null) {
            found.add(facts);
          }
        }
      }
      next = found;
    }
  }

  /** Children, and subjects: whether those are there decides over what is named after them. */
  private Set<Digest> pointedAt() {
    addChildren();
    Set<Digest> wanted = new TreeSet<>();
    for (ManifestFacts facts : manifests.values()) {
      wanted.addAll(facts.children());
      Digest subject = facts.subject();
      if (subject != null) {
        wanted.add(subject);
      }
    }
    tags.keySet().forEach(tag -> Companion.subject(tag).ifPresent(wanted::add));
    wanted.removeIf(digest -> manifests.containsKey(digest) || missing.contains(digest));
    return wanted;
  }

  /** What earlier scans saw and no tag leads to any more, if it is still there. */
  private void addUntagged() throws IOException {
    List<Digest> lost =
        known.entrySet().stream()
            .filter(e -> e.getValue().state() != State.GONE)
            .map(Map.Entry::getKey)
            .filter(digest -> !manifests.containsKey(digest) && !missing.contains(digest))
            .toList();
    Concurrently.all(lost, this::add);
  }

  private void add(Digest digest) throws IOException {
    Reference ref = repository.withDigest(digest);
    ManifestFacts before = cached.get(digest);
    if (before != null) {
      if (client.head(ref).isPresent()) {
        manifests.put(digest, before);
      } else {
        missing.add(digest);
      }
      return;
    }
    try {
      manifests.put(digest, read(client.fetchManifest(ref)));
    } catch (RegistryException e) {
      if (e.code() != RegistryException.Code.NOT_FOUND) {
        throw e;
      }
      missing.add(digest);
    }
  }

  /** Labels that cannot be read stay unknown, which keeps the image. */
  private void readLabels() throws IOException {
    List<ManifestFacts> unknown =
        manifests.values().stream().filter(facts -> !facts.labelsKnown()).toList();
    Concurrently.all(
        unknown,
        facts -> {
          @Nullable Map<String, String> found = labelsOf(facts);
          if (found != null) {
            manifests.put(facts.digest(), facts.withLabels(found));
          }
        });
  }

  private @Nullable Map<String, String> labelsOf(ManifestFacts facts) throws IOException {
    List<Blob> configs = new ArrayList<>(facts.blobs());
    configs.removeIf(blob -> !blob.digest().equals(facts.config()));
    if (configs.isEmpty() || configs.getFirst().size() > CONFIG_LIMIT) {
      return null;
    }
    Blob config = configs.getFirst();
    Descriptor descriptor =
        Descriptor.of("application/octet-stream", config.digest(), config.size());
    try (InputStream in = client.openBlob(repository, descriptor)) {
      JsonNode document = Json.tree(in.readAllBytes());
      return ManifestFacts.texts(document.path("config").path("Labels"));
    } catch (JsonProcessingException e) {
      // An artifact, whose configuration is its own affair.
      return Map.of();
    } catch (RegistryException e) {
      if (e.retryable()) {
        throw e;
      }
      return null;
    }
  }
}
