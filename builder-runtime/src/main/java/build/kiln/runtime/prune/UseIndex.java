package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Uses by repository, under all its names; of several users the first by name is told. */
final class UseIndex {
  /** Of one repository. */
  record Uses(Map<String, String> tags, Map<Digest, String> digests) {
    Uses() {
      this(new HashMap<>(), new HashMap<>());
    }
  }

  private final InUse inUse;
  private final Map<String, Uses> byRepository = new HashMap<>();
  private final Map<Digest, String> anywhere = new HashMap<>();

  private final Set<String> unknown;

  UseIndex(InUse inUse) {
    this.inUse = inUse;
    this.unknown = new TreeSet<>(inUse.unknown());
    for (Use use : inUse.uses()) {
      String repository = use.repository();
      if (repository == null) {
        put(anywhere, use.digest(), use.by());
        continue;
      }
      MirrorMapping.Found names = names(repository);
      names
          .excess()
          .ifPresent(
              mirror ->
                  unknown.add(
                      "%s: its image %s has more than %d names by mirrors, such as %s, which must be corrected"
                          .formatted(use.by(), repository, MirrorMapping.MOST, mirror)));
      for (String name : names.all()) {
        Uses uses = byRepository.computeIfAbsent(name, ignored -> new Uses());
        use.tags().forEach(tag -> uses.tags.merge(tag, use.by(), UseIndex::first));
        put(uses.digests, use.digest(), use.by());
      }
    }
  }

  private MirrorMapping.Found names(String repository) {
    return MirrorMapping.names(repository, inUse.mappings());
  }

  /** What is not known, by name; if there is any, nothing may be deleted. */
  Set<String> unknown() {
    return Collections.unmodifiableSet(unknown);
  }

  private static void put(Map<Digest, String> map, @Nullable Digest digest, String by) {
    if (digest != null) {
      map.merge(digest, by, UseIndex::first);
    }
  }

  private static String first(String a, String b) {
    return a.compareTo(b) <= 0 ? a : b;
  }

  Uses of(String repository) {
    return byRepository.getOrDefault(repository, new Uses());
  }

  /** Who uses a digest without saying where it is. */
  Optional<String> anywhere(Digest digest) {
    return Optional.ofNullable(anywhere.get(digest));
  }

  boolean hasAnywhere() {
    return !anywhere.isEmpty();
  }

  Optional<Busy> busy(String repository) {
    return inUse.busy().stream()
        .filter(busy -> writesTo(busy, repository))
        .min((a, b) -> a.by().compareTo(b.by()));
  }

  private boolean writesTo(Busy busy, String repository) {
    MirrorMapping.Found names = names(busy.repository());
    return names.excess().isPresent()
        || names.all().stream()
            .anyMatch(n -> repository.equals(n) || repository.startsWith(n + "/"));
  }

  /** A reference that cannot be parsed and contains the repository's name, without its registry. */
  Optional<Unparsable> unparsable(String repository) {
    if (inUse.unparsable().isEmpty()) {
      return Optional.empty();
    }
    MirrorMapping.Found names = names(repository);
    return inUse.unparsable().stream()
        .filter(
            u -> {
              String text = u.text().toLowerCase(Locale.ROOT);
              return names.excess().isPresent()
                  || names.all().stream().anyMatch(n -> text.contains(shortest(n)));
            })
        .min((a, b) -> (a.by() + a.text()).compareTo(b.by() + b.text()));
  }

  /** As little as people may write of it. */
  private static String shortest(String name) {
    String hub = "docker.io/library/";
    return name.substring(name.startsWith(hub) ? hub.length() : name.indexOf('/') + 1);
  }

  /** Clusters whose use is wanted and not known. */
  List<String> missing(List<String> clusters) {
    return clusters.stream().filter(c -> !inUse.clusters().contains(c)).sorted().toList();
  }
}
