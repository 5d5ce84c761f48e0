package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.KubernetesUses.Source;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Uses by repository, under all its names; of several users the first by name is told.
 *
 * <p>A digest is content, and a registry may have names that nobody told: so a digest that is in
 * use counts wherever it is, and a tag that is in use counts in every repository of that path.
 */
final class UseIndex {
  private final InUse inUse;
  private final RegistryNames registries;
  private final List<MirrorMapping> mappings;
  private final Map<Digest, String> digests = new HashMap<>();
  private final Map<String, Map<String, String>> tags = new HashMap<>();
  private final Map<String, Map<String, String>> tagsByPath = new HashMap<>();
  private final Set<String> unknown;
  private final List<Unparsable> unparsables;
  private final Map<Source, SourceCount> sources = new LinkedHashMap<>();

  UseIndex(InUse inUse) {
    this.inUse = inUse;
    this.registries = new RegistryNames(inUse.aliases());
    this.mappings = inUse.mappings().stream().map(m -> m.named(registries)).toList();
    this.unknown = new TreeSet<>(inUse.unknown());
    this.unparsables =
        inUse.unparsable().stream()
            .distinct()
            .sorted(Comparator.comparing(Unparsable::by).thenComparing(Unparsable::text))
            .toList();
    inUse.uses().forEach(this::add);
    inUse.sources().forEach(s -> sources.merge(s.source(), s, SourceCount::and));
    sources.values().forEach(s -> s.unknown().ifPresent(unknown::add));
  }

  private void add(Use use) {
    if (use.digest() != null) {
      digests.merge(use.digest(), use.by(), UseIndex::first);
    }
    String repository = use.repository();
    if (repository == null) {
      return;
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
      put(tags, name, use.tags(), use.by());
      if (!use.onlyThere()) {
        put(
            tagsByPath,
            RegistryNames.path(name),
            use.tags(),
            use.by() + ", which names " + repository);
      }
    }
  }

  private static void put(
      Map<String, Map<String, String>> map, String name, List<String> tags, String by) {
    if (!tags.isEmpty()) {
      Map<String, String> its = map.computeIfAbsent(name, ignored -> new HashMap<>());
      tags.forEach(tag -> its.merge(tag, by, UseIndex::first));
    }
  }

  private MirrorMapping.Found names(String repository) {
    return MirrorMapping.names(registries.repository(repository), mappings);
  }

  /** What is not known, by name; if there is any, nothing may be deleted. */
  Set<String> unknown() {
    return Collections.unmodifiableSet(unknown);
  }

  /** Sources that protect nothing, though deleting may go on. */
  List<String> emptySources() {
    return sources.values().stream()
        .filter(s -> s.unknown().isEmpty())
        .flatMap(s -> s.warning().stream())
        .sorted()
        .toList();
  }

  private static String first(String a, String b) {
    return a.compareTo(b) <= 0 ? a : b;
  }

  /** Those who use tags of one repository. */
  record Tags(Map<String, String> here, Map<String, String> elsewhere) {
    Optional<String> user(String tag) {
      String by = here.get(tag);
      return Optional.ofNullable(by == null ? elsewhere.get(tag) : by);
    }
  }

  /** Who uses the tags of a repository: first by a name of it that is known. */
  Tags tags(String repository) {
    String name = registries.repository(repository);
    return new Tags(
        tags.getOrDefault(name, Map.of()),
        tagsByPath.getOrDefault(RegistryNames.path(name), Map.of()));
  }

  /** Who uses a digest, of a manifest, an index or an image's configuration, wherever it is. */
  Optional<String> digest(Digest digest) {
    return Optional.ofNullable(digests.get(digest));
  }

  Optional<Busy> busy(String repository) {
    return inUse.busy().stream()
        .filter(busy -> writesTo(busy, repository))
        .min((a, b) -> a.by().compareTo(b.by()));
  }

  private boolean writesTo(Busy busy, String repository) {
    MirrorMapping.Found names = MirrorMapping.names(registries.prefix(busy.repository()), mappings);
    String name = registries.repository(repository);
    return names.excess().isPresent()
        || names.all().stream().anyMatch(n -> name.equals(n) || name.startsWith(n + "/"));
  }

  /** A reference that cannot be parsed and contains the repository's name, without its registry. */
  Optional<Unparsable> unparsable(String repository) {
    return unparsables(repository).stream().findFirst();
  }

  /** All of them. */
  List<Unparsable> unparsables(String repository) {
    if (unparsables.isEmpty()) {
      return List.of();
    }
    MirrorMapping.Found names = names(repository);
    List<String> parts = names.all().stream().map(UseIndex::shortest).toList();
    return unparsables.stream()
        .filter(
            u -> {
              String text = u.text().toLowerCase(Locale.ROOT);
              return names.excess().isPresent() || parts.stream().anyMatch(text::contains);
            })
        .toList();
  }

  /** All references that cannot be parsed, by who has them. */
  List<Unparsable> unparsables() {
    return unparsables;
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
