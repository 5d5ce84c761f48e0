package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the repositories hold: which blobs are theirs, manifests, tags. Also the view that tests and
 * the quickstart have of a registry without going through HTTP. Thread-safe.
 */
public final class Contents {
  /** A manifest as it was pushed. */
  record StoredManifest(Digest digest, String mediaType, byte[] bytes) {
    @Override
    public boolean equals(Object other) {
      return other instanceof StoredManifest that && digest.equals(that.digest);
    }

    @Override
    public int hashCode() {
      return digest.hashCode();
    }
  }

  private static final class Repository {
    final Set<Digest> blobs = new HashSet<>();
    final Map<Digest, StoredManifest> manifests = new TreeMap<>();
    final Map<String, Digest> tags = new TreeMap<>();
  }

  private final Map<String, Repository> repositories = new HashMap<>();

  Contents() {}

  private Repository repository(String name) {
    return repositories.computeIfAbsent(name, ignored -> new Repository());
  }

  /** The repositories something was pushed to, by name. */
  public synchronized List<String> repositories() {
    return repositories.keySet().stream().sorted().toList();
  }

  /** The tags of a repository, by name; none if it is not there. */
  public synchronized List<String> tags(String repository) {
    Repository found = repositories.get(repository);
    return found == null ? List.of() : List.copyOf(found.tags.keySet());
  }

  /** What a tag points at. */
  public synchronized Optional<Digest> tag(String repository, String tag) {
    return Optional.ofNullable(repositories.get(repository)).map(r -> r.tags.get(tag));
  }

  /** A manifest's bytes. */
  public Optional<byte[]> manifest(String repository, Digest digest) {
    return find(repository, digest).map(stored -> stored.bytes().clone());
  }

  /** The blobs that were pushed to a repository or mounted there. */
  public synchronized Set<Digest> blobs(String repository) {
    Repository found = repositories.get(repository);
    return found == null ? Set.of() : Set.copyOf(found.blobs);
  }

  synchronized boolean exists(String repository) {
    return repositories.containsKey(repository);
  }

  synchronized void link(String repository, Digest blob) {
    repository(repository).blobs.add(blob);
  }

  synchronized boolean unlink(String repository, Digest blob) {
    Repository found = repositories.get(repository);
    return found != null && found.blobs.remove(blob);
  }

  synchronized boolean hasBlob(String repository, Digest blob) {
    Repository found = repositories.get(repository);
    return found != null && found.blobs.contains(blob);
  }

  synchronized Optional<StoredManifest> find(String repository, Digest digest) {
    return Optional.ofNullable(repositories.get(repository)).map(r -> r.manifests.get(digest));
  }

  synchronized void put(String repository, StoredManifest manifest, Optional<String> tag) {
    Repository target = repository(repository);
    target.manifests.put(manifest.digest(), manifest);
    tag.ifPresent(name -> target.tags.put(name, manifest.digest()));
  }

  /** Deletes a manifest with all its tags. */
  synchronized boolean deleteManifest(String repository, Digest digest) {
    Repository found = repositories.get(repository);
    if (found == null || found.manifests.remove(digest) == null) {
      return false;
    }
    found.tags.values().removeIf(digest::equals);
    return true;
  }

  synchronized boolean deleteTag(String repository, String tag) {
    Repository found = repositories.get(repository);
    return found != null && found.tags.remove(tag) != null;
  }

  synchronized List<StoredManifest> manifests(String repository) {
    Repository found = repositories.get(repository);
    return found == null ? List.of() : List.copyOf(found.manifests.values());
  }
}
