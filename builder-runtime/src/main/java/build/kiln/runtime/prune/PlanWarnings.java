package build.kiln.runtime.prune;

import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.Warning.Kind;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Collects what a person should know of a plan. */
final class PlanWarnings {
  /** Those that end by themselves, or by what another is asked for. */
  private static final Set<Reason> HELD =
      EnumSet.of(Reason.REPOSITORY_BUSY, Reason.USE_OF_OTHERS_UNKNOWN);

  private final UseIndex uses;
  private final List<String> overlaps = new ArrayList<>();
  private final List<String> held = new ArrayList<>();

  /** Repositories by the references that keep them. */
  private final Map<String, List<String>> kept = new TreeMap<>();

  PlanWarnings(UseIndex uses) {
    this.uses = uses;
  }

  /**
   * Looks at a repository.
   *
   * @param rules all that name it; the first governs it
   */
  void look(RepositoryPlan plan, List<RegistryRules> rules) {
    if (rules.size() > 1) {
      overlaps.add(
          "%s: %s governs it, %s names it too and is not asked"
              .formatted(plan.name(), rules.get(0).name(), rules.get(1).name()));
    }
    Verdict why = plan.untouched();
    if (why != null && HELD.contains(why.reason())) {
      held.add("%s (%s: %s)".formatted(plan.name(), why.reason(), why.detail()));
    }
    for (Unparsable reference : uses.unparsables(plan.name())) {
      kept.computeIfAbsent(reference.said(), ignored -> new ArrayList<>()).add(plan.name());
    }
  }

  /** All of them, of each kind one. */
  List<Warning> all() {
    List<Warning> all = new ArrayList<>();
    List<String> references = new ArrayList<>();
    kept.forEach((said, names) -> references.add(said + " keeps " + names(names)));
    uses.unparsables().stream()
        .map(Unparsable::said)
        .filter(said -> !kept.containsKey(said))
        .forEach(said -> references.add(said + " keeps nothing here"));
    add(
        all,
        Kind.ReferencesUnparsable,
        "references that cannot be parsed keep the repositories whose names they contain: %s",
        references);
    add(all, Kind.SourcesEmpty, "protect.extraSources protects nothing: %s", uses.emptySources());
    add(all, Kind.RepositoriesHeld, "repositories wait for another run: %s", held);
    add(all, Kind.EntriesOverlap, "repositories are in two entries of the policy: %s", overlaps);
    return all;
  }

  private static String names(List<String> names) {
    return names.size() == 1
        ? names.getFirst()
        : "%s and %d more".formatted(names.getFirst(), names.size() - 1);
  }

  private static void add(List<Warning> all, Kind kind, String message, List<String> what) {
    if (!what.isEmpty()) {
      all.add(new Warning(kind, message.formatted(Few.of(what))));
    }
  }
}
