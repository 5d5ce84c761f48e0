package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.FetchedManifest;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Looks at a repository again before anything in it is deleted, and again whenever the last look is
 * some seconds old: which tags have come or moved since the plan, and what these need now.
 */
final class Recheck {
  /** How old a look may be at least. */
  private static final Duration FRESH = Duration.ofSeconds(5);

  private final RegistryClient client;
  private final Reference repository;
  private final Map<String, Digest> planned = new HashMap<>();
  private final Set<Digest> doomed = new HashSet<>();
  private final Fresh<Optional<String>> fresh;
  private final Map<Digest, List<Digest>> children = new ConcurrentHashMap<>();

  Recheck(
      RegistryClient client, RepositoryPlan plan, Map<String, Digest> kept, LongSupplier nanoTime) {
    this.client = client;
    this.repository = Reference.parse(plan.name());
    this.fresh = new Fresh<>(FRESH, nanoTime, this::lookAgain);
    planned.putAll(kept);
    for (Deletion deletion : plan.deletions()) {
      switch (deletion) {
        case OfTag t -> planned.put(t.tag(), t.digest());
        case OfManifest m -> {
          doomed.add(m.digest());
          m.tags().forEach(tag -> planned.put(tag, m.digest()));
        }
      }
    }
  }

  /**
   * Looks, if the last look is too old.
   *
   * @return what is to be deleted and is needed again, with who needs it; then the whole repository
   *     waits for another plan, since what belongs to it is needed too
   */
  Optional<String> look() throws IOException {
    return fresh.get();
  }

  private Optional<String> lookAgain() throws IOException {
    Map<String, Digest> now = new ConcurrentHashMap<>();
    Concurrently.all(listTags(), tag -> look(tag, now));
    for (var tag : new TreeMap<>(now).entrySet()) {
      if (!tag.getValue().equals(planned.get(tag.getKey()))) {
        Optional<Digest> needed = firstDoomed(tag.getValue());
        if (needed.isPresent()) {
          return needed.map(digest -> digest + " is needed by tag " + tag.getKey() + " now");
        }
      }
    }
    return Optional.empty();
  }

  private List<String> listTags() throws IOException {
    try {
      return client.listAllTags(repository);
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        return List.of();
      }
      throw e;
    }
  }

  private void look(String tag, Map<String, Digest> now) throws IOException {
    Reference ref = repository.withTag(tag);
    Digest before = planned.get(tag);
    try {
      Optional<FetchedManifest> changed =
          before == null
              ? Optional.of(client.fetchManifest(ref))
              : client.fetchManifestUnless(ref, before);
      if (changed.isPresent()) {
        read(changed.get());
        now.put(tag, changed.get().descriptor().digest());
      } else if (before != null) {
        now.put(tag, before);
      }
    } catch (RegistryException e) {
      if (e.code() != RegistryException.Code.NOT_FOUND) {
        throw e;
      }
    }
  }

  private List<Digest> read(FetchedManifest fetched) {
    Digest digest = fetched.descriptor().digest();
    List<Digest> listed =
        ManifestFacts.read(digest, fetched.descriptor().mediaType(), fetched.bytes()).children();
    children.put(digest, listed);
    return listed;
  }

  /** Something to be deleted that a digest is, or lists. */
  private Optional<Digest> firstDoomed(Digest start) throws IOException {
    Set<Digest> seen = new HashSet<>(Set.of(start));
    List<Digest> next = List.of(start);
    while (!next.isEmpty()) {
      Set<Digest> found = new HashSet<>();
      for (Digest digest : next) {
        if (doomed.contains(digest)) {
          return Optional.of(digest);
        }
        childrenOf(digest).stream().filter(seen::add).forEach(found::add);
      }
      next = found.stream().sorted().toList();
    }
    return Optional.empty();
  }

  private List<Digest> childrenOf(Digest digest) throws IOException {
    List<Digest> known = children.get(digest);
    if (known != null) {
      return known;
    }
    try {
      return read(client.fetchManifest(repository.withDigest(digest)));
    } catch (RegistryException e) {
      if (e.code() == RegistryException.Code.NOT_FOUND) {
        return List.of();
      }
      throw e;
    }
  }
}
