package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.InUse.Busy;
import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.LedgerEntry.State;
import build.kiln.runtime.prune.Plan.Cause;
import build.kiln.runtime.prune.Plan.Stop;
import build.kiln.runtime.prune.PrunePolicy.Limits;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes plans: a function of what there is, what is in use, what the policy says, what was seen
 * before, and the time. It reaches nothing else, and the order of what it is given does not matter.
 */
public final class Planner {
  /** How much clocks of machines may differ. */
  static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(5);

  /** A repository that had so many tags is not believed to have none. */
  static final int MANY_TAGS = 10;

  private final PrunePolicy policy;
  private final UseIndex uses;

  public Planner(PrunePolicy policy, InUse inUse) {
    this.policy = policy;
    this.uses = new UseIndex(inUse);
  }

  /**
   * Plans.
   *
   * @param inventory repositories that the policy names; others are left out
   * @param ledger as it was before the scan that made the inventory
   */
  public Plan plan(List<RepositoryInventory> inventory, Ledger ledger, Instant now) {
    List<RepositoryInventory> sorted =
        inventory.stream().sorted(Comparator.comparing(RepositoryInventory::name)).toList();
    List<RepositoryPlan> plans = new ArrayList<>();
    var warnings = new PlanWarnings(uses);
    for (RepositoryInventory repository : sorted) {
      List<RegistryRules> rules =
          policy.registries().stream().filter(r -> r.governs(repository.name())).toList();
      if (rules.isEmpty()) {
        continue;
      }
      RepositoryPlan its = plan(repository, rules.getFirst(), ledger, now);
      warnings.look(its, rules);
      plans.add(its);
    }
    List<RepositoryPlan> unique = withUniqueBlobs(plans, sorted);
    Plan plan = new Plan(policy.name(), now, unique, null, warnings.all(), policy.grace());
    Stop stop = stop(plan, ledger, now);
    return stop == null ? plan : plan.stoppedBy(stop);
  }

  private RepositoryPlan plan(
      RepositoryInventory repository, RegistryRules rules, Ledger ledger, Instant now) {
    Map<Digest, LedgerEntry> before = ledger.repository(repository.name());
    Optional<Verdict> whole = keepsAll(repository, rules, before, now);
    if (whole.isPresent()) {
      return untouched(repository, whole.get());
    }
    Instant seen = ledger.latest().isAfter(now) ? ledger.latest() : now;
    Map<Digest, LedgerEntry> known = Observation.of(repository, before, seen);
    return new RepositoryPlanner(repository, known, rules, policy, uses, now).plan();
  }

  /** Why nothing in a repository may be touched. */
  private Optional<Verdict> keepsAll(
      RepositoryInventory repository,
      RegistryRules rules,
      Map<Digest, LedgerEntry> before,
      Instant now) {
    @Nullable String failure = repository.failure();
    Optional<String> unreadable = failure != null ? Optional.of(failure) : incomplete(repository);
    if (unreadable.isPresent()) {
      return unreadable.map(why -> Verdict.of(Reason.REPOSITORY_UNREADABLE, why));
    }
    Optional<String> vanished = vanished(repository, before, now);
    if (vanished.isPresent()) {
      return vanished.map(why -> Verdict.of(Reason.TAGS_VANISHED, why));
    }
    Optional<Busy> busy = uses.busy(repository.name());
    if (busy.isPresent()) {
      return Optional.of(Verdict.of(Reason.REPOSITORY_BUSY, busy.get().by()));
    }
    Optional<Unparsable> unparsable = uses.unparsable(repository.name());
    if (unparsable.isPresent() && policy.protection().inUse()) {
      return unparsable.map(u -> Verdict.of(Reason.REFERENCE_UNPARSABLE, u.said()));
    }
    List<String> others = uses.missing(rules.sharedWith());
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Verdict.of(Reason.USE_OF_OTHERS_UNKNOWN, "no uses of " + String.join(", ", others)));
  }

  /** What something points at must be there, or known not to be. */
  private static Optional<String> incomplete(RepositoryInventory repository) {
    Set<Digest> known = repository.manifests().keySet();
    Optional<String> tag =
        repository.tags().entrySet().stream()
            .filter(e -> !known.contains(e.getValue()))
            .map(e -> "tag " + e.getKey() + " points at " + e.getValue() + ", which was not read")
            .min(Comparator.naturalOrder());
    return tag.or(
        () ->
            repository.manifests().values().stream()
                .flatMap(m -> m.children().stream())
                .filter(d -> !known.contains(d) && !repository.missing().contains(d))
                .min(Comparator.naturalOrder())
                .map(d -> d + " is in an index and was not read"));
  }

  /** A registry that answers with an empty list has more likely lost its disk than all tags. */
  static Optional<String> vanished(
      RepositoryInventory repository, Map<Digest, LedgerEntry> before, Instant now) {
    if (!repository.tags().isEmpty()) {
      return Optional.empty();
    }
    long today = Duration.between(Instant.EPOCH, now).toDays();
    long had =
        before.values().stream()
            .filter(entry -> entry.state() != State.GONE)
            .filter(entry -> today - entry.lastSeen() <= Ledger.MEMORY.toDays())
            .mapToLong(entry -> entry.tags().size())
            .sum();
    return had < MANY_TAGS
        ? Optional.empty()
        : Optional.of("it lists no tags, and had " + had + " when it was last read");
  }

  private static RepositoryPlan untouched(RepositoryInventory repository, Verdict why) {
    Map<Digest, List<String>> tags = new TreeMap<>();
    repository.manifests().keySet().forEach(digest -> tags.put(digest, new ArrayList<>()));
    new TreeMap<>(repository.tags())
        .forEach(
            (tag, digest) -> tags.computeIfAbsent(digest, ignored -> new ArrayList<>()).add(tag));
    List<Keep> kept = new ArrayList<>();
    tags.forEach((digest, its) -> kept.add(new Keep(digest, List.copyOf(its), why)));
    return new RepositoryPlan(repository.name(), kept, List.of(), why);
  }

  /** Leaves each deletion those blobs that nothing which stays needs. */
  private static List<RepositoryPlan> withUniqueBlobs(
      List<RepositoryPlan> plans, List<RepositoryInventory> inventory) {
    Map<String, Set<Digest>> freed = new HashMap<>();
    Map<String, Integer> deletions = new HashMap<>();
    plans.forEach(
        p -> deletions.merge(Reclaimed.registry(p.name()), p.deletions().size(), Integer::sum));
    // Most have a configuration and a layer of their own.
    deletions.forEach((registry, count) -> freed.put(registry, HashSet.newHashSet(2 * count)));
    for (RepositoryPlan plan : plans) {
      Set<Digest> blobs = Objects.requireNonNull(freed.get(Reclaimed.registry(plan.name())));
      manifests(plan).forEach(m -> m.blobs().forEach(blob -> blobs.add(blob.digest())));
    }
    Map<String, Set<Digest>> gone = new HashMap<>();
    plans.forEach(
        plan -> {
          Set<Digest> digests = new HashSet<>();
          manifests(plan).forEach(m -> digests.add(m.digest()));
          gone.put(plan.name(), digests);
        });
    for (RepositoryInventory repository : inventory) {
      Set<Digest> blobs = freed.getOrDefault(Reclaimed.registry(repository.name()), Set.of());
      if (blobs.isEmpty()) {
        continue;
      }
      Set<Digest> digests = gone.getOrDefault(repository.name(), Set.of());
      for (ManifestFacts manifest : repository.manifests().values()) {
        if (!digests.contains(manifest.digest())) {
          manifest.blobs().forEach(blob -> blobs.remove(blob.digest()));
        }
      }
    }
    return plans.stream()
        .map(plan -> unique(plan, freed.getOrDefault(Reclaimed.registry(plan.name()), Set.of())))
        .toList();
  }

  private static List<OfManifest> manifests(RepositoryPlan plan) {
    return plan.deletions().stream()
        .filter(OfManifest.class::isInstance)
        .map(OfManifest.class::cast)
        .toList();
  }

  private static RepositoryPlan unique(RepositoryPlan plan, Set<Digest> freed) {
    List<Deletion> deletions = new ArrayList<>(plan.deletions().size());
    for (Deletion deletion : plan.deletions()) {
      boolean shares =
          deletion instanceof OfManifest m
              && m.blobs().stream().anyMatch(blob -> !freed.contains(blob.digest()));
      deletions.add(
          shares && deletion instanceof OfManifest m
              ? m.withBlobs(m.blobs().stream().filter(b -> freed.contains(b.digest())).toList())
              : deletion);
    }
    return new RepositoryPlan(plan.name(), plan.kept(), deletions, plan.untouched());
  }

  private @Nullable Stop stop(Plan plan, Ledger ledger, Instant now) {
    if (policy.protection().inUse() && !uses.unknown().isEmpty()) {
      return new Stop(
          Cause.USE_UNKNOWN,
          "what is in use is not known: %s; nothing is deleted until it can be listed"
              .formatted(Few.of(uses.unknown())));
    }
    if (ledger.latest().isAfter(now.plus(CLOCK_TOLERANCE))) {
      return new Stop(
          Cause.CLOCK_BEHIND,
          "the clock says %s, and the ledger was written at %s: one of them is wrong; set the clock, or remove the ledger, which makes everything young"
              .formatted(now, ledger.latest()));
    }
    Limits limits = policy.limits();
    if (limits.deletions() > 0 && plan.deletions() > limits.deletions()) {
      return new Stop(
          Cause.TOO_MANY,
          "%d deletions are more than limits.maxDeletions, %d; approve the plan by its hash, or raise the limit"
              .formatted(plan.deletions(), limits.deletions()));
    }
    long allowed = (long) plan.examined() * limits.percent() / 100;
    if (limits.percent() < 100 && plan.deletedDigests() > allowed) {
      return new Stop(
          Cause.TOO_LARGE_A_PART,
          "%d of %d digests are more than limits.maxPercent, %d; approve the plan by its hash, or raise the limit"
              .formatted(plan.deletedDigests(), plan.examined(), limits.percent()));
    }
    return null;
  }
}
