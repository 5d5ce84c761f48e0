package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What tags stand for where images are to be copied to. To look at one is a HEAD; but once a
 * repository that many tags are copied to was found to lack one, a list tells which others it
 * lacks. Thread-safe.
 */
final class Targets {
  /** For fewer tags a list saves no requests that are worth it. */
  private static final int MANY = 8;

  /** A repository that many tags are copied to. */
  private static final class Repository {
    final ReentrantLock lock = new ReentrantLock();
    final List<String> wanted;
    boolean looked;
    boolean listed;

    /** All its tags; null where that is not known. */
    volatile @Nullable Set<String> tags;

    Repository(List<String> wanted) {
      this.wanted = wanted;
    }
  }

  private final RegistryClient destination;
  private final Map<String, Repository> repositories = new ConcurrentHashMap<>();

  Targets(RegistryClient destination) {
    this.destination = destination;
  }

  /** Tells which tags of a repository are to be copied to, before the first is looked at. */
  void expect(Reference repository, List<String> tags) {
    if (tags.size() >= MANY) {
      repositories.putIfAbsent(repository.name(), new Repository(List.copyOf(tags)));
    }
  }

  /**
   * What a tag stands for.
   *
   * @return empty if it is not there
   */
  Optional<Descriptor> look(Reference tag) throws IOException {
    Repository repository = repositories.get(tag.name());
    if (repository == null) {
      return destination.headTarget(tag);
    }
    Waiting.lock(repository.lock, "another tag");
    try {
      // Whether there is to be a list is known when the first look is over: others wait for it.
      if (!repository.looked) {
        repository.looked = true;
        return head(repository, tag);
      }
    } finally {
      repository.lock.unlock();
    }
    Set<String> tags = repository.tags;
    return tags != null && !tags.contains(tag.tag()) ? Optional.empty() : head(repository, tag);
  }

  private Optional<Descriptor> head(Repository repository, Reference tag) throws IOException {
    Optional<Descriptor> there = destination.headTarget(tag);
    if (there.isPresent()) {
      return there;
    }
    Waiting.lock(repository.lock, "a list of tags");
    try {
      if (!repository.listed) {
        repository.listed = true;
        repository.tags = list(repository.wanted, tag).orElse(null);
      }
    } finally {
      repository.lock.unlock();
    }
    return there;
  }

  /**
   * Lists may lag behind, or be cut without a word: whether this one is right is looked at once.
   */
  private Optional<Set<String>> list(List<String> wanted, Reference missing) throws IOException {
    Optional<Set<String>> listed = destination.listTargetTags(missing);
    if (listed.isEmpty()) {
      return listed;
    }
    Optional<String> other =
        wanted.reversed().stream()
            .filter(tag -> !tag.equals(missing.tag()) && !listed.get().contains(tag))
            .findFirst();
    boolean wrong =
        other.isPresent() && destination.headTarget(missing.withTag(other.get())).isPresent();
    return wrong ? Optional.empty() : listed;
  }

  /** Whether a repository is known to have no tags, so that its blobs are hardly there. */
  boolean isEmpty(Reference repository) {
    Repository known = repositories.get(repository.name());
    Set<String> tags = known == null ? null : known.tags;
    return tags != null && tags.isEmpty();
  }
}
