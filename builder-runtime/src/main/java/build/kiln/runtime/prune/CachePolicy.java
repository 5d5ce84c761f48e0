package build.kiln.runtime.prune;

import build.kiln.runtime.cache.CacheLists;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.PrunePolicy.TagRule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which entries of a cache are used: those in a list that a build has written lately. To the
 * planner such lists are users of their entries, and the rule for the repository keeps nothing by
 * itself.
 *
 * @param name for reports, such as {@code cache[0]}
 * @param unusedFor how long a list that no build writes is believed
 * @param maxSize of the layers that lists name, in bytes; {@link Long#MAX_VALUE} for any
 */
public record CachePolicy(
    String name, List<Pattern> repositories, Duration unusedFor, long maxSize) {

  /** What the planner is told: all tags of a cache may go, if nothing uses them. */
  RegistryRules rules(Duration grace) {
    TagRule all =
        new TagRule(
            name, List.of(CacheLists.TAG), null, List.of(), 0, Optional.empty(), Optional.empty());
    return new RegistryRules(
        name, repositories, List.of(), List.of(all), Optional.of(grace), List.of(), CacheLists.TAG);
  }

  /** What the lists of a repository use. */
  InUse uses(Reference repository, CacheLists.Read read, Instant now) {
    String canonical = Names.canonical(repository);
    List<Use> uses = new ArrayList<>();
    Set<Digest> layers = new HashSet<>();
    long size = 0;
    for (CacheLists.Found list : read.lists()) {
      if (list.updated().plus(unusedFor).isBefore(now)) {
        break;
      }
      for (var layer : list.layers().entrySet()) {
        size += layers.add(layer.getKey()) ? layer.getValue() : 0;
      }
      if (size > maxSize && !uses.isEmpty()) {
        break;
      }
      List<String> tags = new ArrayList<>(list.tags());
      tags.add(list.tag());
      uses.add(
          new Use(
              canonical,
              tags,
              null,
              "the cache of " + list.name() + " for " + list.platform(),
              true));
    }
    List<Unparsable> broken =
        read.broken().stream()
            .map(tag -> new Unparsable(canonical, "the cache's list " + tag + " cannot be read"))
            .toList();
    return new InUse(uses, broken, List.of(), List.of(), List.of(), List.of());
  }
}
