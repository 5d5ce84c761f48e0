package build.kiln.runtime.prune;

import java.util.ArrayList;
import java.util.List;

/**
 * All that is known of what is needed.
 *
 * @param uses references that could be read
 * @param unparsable those that could not; each protects every repository whose name it contains
 * @param busy repositories that a build or a mirror writes to now
 * @param unknown what could not be listed, such as {@code Pods: forbidden}; if there is any,
 *     nothing may be deleted
 * @param clusters other clusters whose uses are among these
 * @param mappings names of the same repositories
 * @param aliases names of the same registries
 * @param sources what was found of references in other kinds
 */
public record InUse(
    List<Use> uses,
    List<Unparsable> unparsable,
    List<Busy> busy,
    List<String> unknown,
    List<String> clusters,
    List<MirrorMapping> mappings,
    List<RegistryAlias> aliases,
    List<SourceCount> sources) {

  /** Text in the place of a reference, and where it stands. */
  public record Unparsable(String text, String by) {
    /** For people: where it stands, and the text, which may be anything. */
    String said() {
      return "%s: \"%s\"".formatted(Few.cut(by, 150), Few.cut(text, 100));
    }
  }

  /** A repository that is written to, or what the names of several begin with, and by what. */
  public record Busy(String repository, String by) {}

  public static final InUse NOTHING =
      new InUse(List.of(), List.of(), List.of(), List.of(), List.of(), List.of());

  public InUse(
      List<Use> uses,
      List<Unparsable> unparsable,
      List<Busy> busy,
      List<String> unknown,
      List<String> clusters,
      List<MirrorMapping> mappings) {
    this(uses, unparsable, busy, unknown, clusters, mappings, List.of(), List.of());
  }

  /** That something could not be listed, a line each. */
  public static InUse unknown(List<String> what) {
    return new InUse(List.of(), List.of(), List.of(), what, List.of(), List.of());
  }

  /** That the use of another cluster is known. */
  public static InUse ofCluster(String name) {
    return new InUse(List.of(), List.of(), List.of(), List.of(), List.of(name), List.of());
  }

  /** That names stand for the same repositories. */
  public static InUse mapped(List<MirrorMapping> mappings) {
    return new InUse(List.of(), List.of(), List.of(), List.of(), List.of(), mappings);
  }

  /** That names stand for the same registries. */
  public static InUse aliased(List<RegistryAlias> aliases) {
    return new InUse(
        List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), aliases, List.of());
  }

  /** What was found of sources of references. */
  static InUse counted(List<SourceCount> sources) {
    return new InUse(
        List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), sources);
  }

  static InUse unparsable(Unparsable what) {
    return new InUse(List.of(), List.of(what), List.of(), List.of(), List.of(), List.of());
  }

  /** Without what is used; who writes now still counts. */
  InUse onlyWriters() {
    return new InUse(List.of(), List.of(), busy, unknown, clusters, mappings, aliases, List.of());
  }

  public InUse {
    uses = List.copyOf(uses);
    unparsable = List.copyOf(unparsable);
    busy = List.copyOf(busy);
    unknown = List.copyOf(unknown);
    clusters = List.copyOf(clusters);
    mappings = List.copyOf(mappings);
    aliases = List.copyOf(aliases);
    sources = List.copyOf(sources);
  }

  /** What either knows. */
  public InUse and(InUse other) {
    return new InUse(
        both(uses, other.uses),
        both(unparsable, other.unparsable),
        both(busy, other.busy),
        both(unknown, other.unknown),
        both(clusters, other.clusters),
        both(mappings, other.mappings),
        both(aliases, other.aliases),
        both(sources, other.sources));
  }

  private static <T> List<T> both(List<T> a, List<T> b) {
    List<T> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }
}
