package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Reference;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Two names of the same repositories: what is pulled by one may come from the other. Both are
 * registries or registries with a path, such as {@code docker.io} and {@code
 * registry.example.com/hub}. One whose sides lie inside each other says nothing.
 *
 * @param by what says so, such as {@code ImageMirror shop/nginx}
 */
public record MirrorMapping(String upstream, String mirror, String by) {
  /** Names of one repository; what has more was made to have them. */
  static final int MOST = 100;

  /** Of the installation, or of a person at a desk. */
  public MirrorMapping(String upstream, String mirror) {
    this(upstream, mirror, "the mirror " + mirror + " of " + upstream);
  }

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

  /** With the registries' names that these are compared by. */
  MirrorMapping named(RegistryNames registries) {
    return new MirrorMapping(registries.prefix(upstream), registries.prefix(mirror), by);
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

  /** Whether one side is, or lies inside, the other: nothing is another name of its own inside. */
  private boolean nested() {
    return inside(upstream, mirror) || inside(mirror, upstream);
  }

  private static boolean inside(String name, String outer) {
    return name.startsWith(outer)
        && (name.length() == outer.length() || name.charAt(outer.length()) == '/');
  }

  /**
   * Names of one repository.
   *
   * @param all itself first
   * @param excess who gave it more names than are followed, empty if it has no more: then there are
   *     names which are not here
   */
  record Found(Set<String> all, Optional<String> excess) {}

  /** All names of a repository. */
  static Found names(String repository, List<MirrorMapping> mappings) {
    Set<String> names = new LinkedHashSet<>();
    names.add(repository);
    boolean grew = true;
    // No chain of mirrors is longer than this.
    for (int i = 0; grew && i < 4; i++) {
      grew = false;
      for (String name : List.copyOf(names)) {
        for (MirrorMapping mapping : mappings) {
          if (mapping.nested()) {
            continue;
          }
          grew |= add(names, name, mapping.upstream, mapping.mirror);
          grew |= add(names, name, mapping.mirror, mapping.upstream);
          if (names.size() > MOST) {
            return new Found(names, Optional.of(mapping.by));
          }
        }
      }
    }
    return new Found(names, Optional.empty());
  }

  private static boolean add(Set<String> names, String name, String from, String to) {
    return inside(name, from) && names.add(to + name.substring(from.length()));
  }
}
