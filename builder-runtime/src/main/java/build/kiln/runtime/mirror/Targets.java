package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
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
    final List<String> wanted;
    final ReentrantLock first = new ReentrantLock();
    final AtomicBoolean listed = new AtomicBoolean();
    volatile boolean looked;

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

  /** Tells which tags of a repository are to be copied to; to be called before {@link #look}. */
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
    if (!repository.looked) {
      Waiting.lock(repository.first, "another tag");
      try {
        // Whether there is to be a list is known when the first look is over: others wait for it.
        if (!repository.looked) {
          return head(repository, tag);
        }
      } finally {
        repository.looked = true;
        repository.first.unlock();
      }
    }
    Set<String> tags = repository.tags;
    return tags != null && !tags.contains(tag.tag()) ? Optional.empty() : head(repository, tag);
  }

  private Optional<Descriptor> head(Repository repository, Reference tag) throws IOException {
    Optional<Descriptor> there = destination.headTarget(tag);
    if (there.isEmpty() && repository.listed.compareAndSet(false, true)) {
      Optional<Set<String>> tags = destination.listTargetTags(tag);
      if (tags.isPresent() && isWhole(tags.get(), repository.wanted, tag)) {
        repository.tags = tags.get();
      }
    }
    return there;
  }

  /**
   * Some registries cut a list without a word: the first tag behind the cut is looked at, and the
   * last that is wanted, which is the oldest version. What cannot be looked at is not believed.
   */
  private boolean isWhole(Set<String> listed, List<String> wanted, Reference missing)
      throws InterruptedIOException {
    if (listed.isEmpty()) {
      return true;
    }
    String greatest = Collections.max(listed);
    List<String> unlisted =
        wanted.stream().filter(tag -> !tag.equals(missing.tag()) && !listed.contains(tag)).toList();
    Set<String> doubtful = new LinkedHashSet<>();
    unlisted.stream()
        .filter(tag -> tag.compareTo(greatest) > 0)
        .min(Comparator.naturalOrder())
        .ifPresent(doubtful::add);
    if (!unlisted.isEmpty()) {
      doubtful.add(unlisted.getLast());
    }
    try {
      for (String tag : doubtful) {
        if (destination.headTarget(missing.withTag(tag)).isPresent()) {
          return false;
        }
      }
      return true;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a repository is known to have no tags, so that its blobs are hardly there. */
  boolean isEmpty(Reference repository) {
    Repository known = repositories.get(repository.name());
    Set<String> tags = known == null ? null : known.tags;
    return tags != null && tags.isEmpty();
  }
}
