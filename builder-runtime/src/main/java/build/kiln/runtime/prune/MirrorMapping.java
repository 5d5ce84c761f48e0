package build.kiln.runtime.prune;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Two names of the same repositories: what is pulled by one may come from the other. Both are
 * registries or registries with a path, such as {@code docker.io} and {@code
 * registry.example.com/hub}.
 */
public record MirrorMapping(String upstream, String mirror) {

  /** All names of a repository, itself first. */
  static Set<String> names(String repository, List<MirrorMapping> mappings) {
    Set<String> names = new LinkedHashSet<>();
    names.add(repository);
    boolean grew = true;
    // A mapping onto its own inside would go on for ever; no chain of mirrors is longer than this.
    for (int i = 0; grew && i < 4; i++) {
      grew = false;
      for (String name : List.copyOf(names)) {
        for (MirrorMapping mapping : mappings) {
          grew |= add(names, name, mapping.upstream, mapping.mirror);
          grew |= add(names, name, mapping.mirror, mapping.upstream);
        }
      }
    }
    return names;
  }

  private static boolean add(Set<String> names, String name, String from, String to) {
    boolean whole = name.equals(from);
    if (!whole && !name.startsWith(from + "/")) {
      return false;
    }
    return names.add(to + name.substring(from.length()));
  }
}
