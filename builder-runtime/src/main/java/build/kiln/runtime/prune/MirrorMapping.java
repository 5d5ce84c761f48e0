package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Reference;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Two names of the same repositories: what is pulled by one may come from the other. Both are
 * registries or registries with a path, such as {@code docker.io} and {@code
 * registry.example.com/hub}.
 */
public record MirrorMapping(String upstream, String mirror) {

  /**
   * From an installation's settings.
   *
   * @param upstream a registry's host
   * @param mirror {@code host[:port][/prefix]}, with or without {@code http(s)://} before it
   */
  public static MirrorMapping of(String upstream, String mirror) {
    String name = mirror.strip().replaceFirst("^https?://", "").replaceFirst("(/v2)?/*$", "");
    return new MirrorMapping(canonical(upstream), canonical(name));
  }

  private static String canonical(String name) {
    String lower = name.strip().toLowerCase(Locale.ROOT);
    return Reclaimed.registry(Names.canonical(Reference.parse(host(lower) + "/any")))
        + lower.substring(host(lower).length());
  }

  private static String host(String name) {
    int slash = name.indexOf('/');
    return slash < 0 ? name : name.substring(0, slash);
  }

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
