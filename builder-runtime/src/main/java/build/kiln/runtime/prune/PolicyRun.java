package build.kiln.runtime.prune;

import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.runtime.cache.CacheLists;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.InUse.Unparsable;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.PrunePolicy.RegistryRules;
import build.kiln.runtime.prune.RunReport.Condition;
import build.kiln.runtime.prune.RunReport.ConditionType;
import build.kiln.runtime.prune.RunReport.Outcome;
import build.kiln.runtime.prune.RunReport.Result;
import build.kiln.runtime.registry.RegistryClient;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One run of a policy: what is in use, a scan, a plan, and its execution, if the policy and the
 * limits let it, or a person has approved it.
 */
public final class PolicyRun {
  /** How old what the lists of caches say may be before a deletion, at least. */
  private static final Duration LISTS_FRESH = Duration.ofSeconds(5);

  /**
   * What a run works with.
   *
   * @param client without mirrors: what a mirror has says nothing of the registry
   * @param use what workloads, builds and mirrors use
   * @param policies all that there are where this one is
   * @param waiting where a plan that needs an approval is kept
   * @param listener told of each deletion when it has ended
   */
  public record Tools(
      RegistryClient client,
      LedgerBook book,
      ManifestCache manifests,
      Executor.CurrentUse use,
      OtherPolicies.All policies,
      StoredPlan waiting,
      Clock clock,
      Consumer<Outcome> listener) {}

  /**
   * What a run came to.
   *
   * @param executed empty if nothing was to be deleted: a dry run
   */
  public record Ended(Plan plan, Optional<RunReport> executed) {}

  private final ImagePrunePolicySpec spec;
  private final Tools tools;
  private final PrunePolicy policy;
  private final List<CachePolicy> caches;

  /**
   * @param name of the policy
   * @throws PruneException POLICY_INVALID, naming the field
   */
  public PolicyRun(String name, ImagePrunePolicySpec spec, Tools tools) throws PruneException {
    this.spec = spec;
    this.tools = tools;
    // What does not count as in use is left out here; the lists of caches always count.
    this.policy = PolicyReader.read(name, spec).protectingUse();
    this.caches = PolicyReader.caches(spec);
  }

  /**
   * Does it.
   *
   * @param approved the hash of the plan that a person allowed beyond the limits; null if none
   * @throws PruneException if it cannot be done; nothing was deleted then
   */
  public Ended run(@Nullable String approved) throws IOException {
    tools.waiting.release(approved);
    Plan plan = plan();
    Plan.Stop stop = plan.stop();
    boolean waits = stop != null && stop.cause().approvable();
    if (waits && approved == null) {
      tools.waiting.save(plan);
    }
    if (spec.dryRun()) {
      return new Ended(plan, Optional.empty());
    }
    RunReport report =
        waits && approved != null ? approved(plan, approved) : executor(plan).execute(plan, "");
    return new Ended(plan, Optional.of(report));
  }

  /**
   * Carries out a plan that was made of this policy, and looks at all again that a run looks at.
   *
   * @param approved the hash of the plan that a person allowed beyond the limits; empty if none
   * @throws PruneException INPUT_INVALID if the plan is of another policy, or too old, or the use
   *     of a cluster is missing; nothing was deleted then
   */
  public RunReport apply(Plan plan, String approved) throws IOException {
    UseIndex uses = new UseIndex(workloads());
    for (RepositoryPlan repository : plan.repositories()) {
      Optional<RegistryRules> rules = policy.rulesFor(repository.name());
      if (rules.isEmpty()) {
        throw new PruneException(
            Code.INPUT_INVALID,
            "the plan is about %s, which its policy does not name: plan again"
                .formatted(repository.name()));
      }
      List<String> missing = uses.missing(rules.get().sharedWith());
      if (!repository.deletions().isEmpty() && !missing.isEmpty()) {
        throw new PruneException(
            Code.INPUT_INVALID,
            "%s is shared with %s, whose use is not given now: give it as --in-use %s=FILE"
                .formatted(repository.name(), String.join(", ", missing), missing.getFirst()));
      }
    }
    return executor(plan).execute(plan, approved);
  }

  /** Says what would go now, and remembers what it saw; deletes nothing. */
  public Plan plan() throws IOException {
    Collection<String> repositories =
        Repositories.find(tools.client, policy, PolicyReader.patterns(spec), tools.book.load());
    InUse uses = workloads().and(listed(repositories));
    Plan plan =
        new Scanner(tools.client, tools.book, tools.manifests, tools.clock)
            .plan(policy, uses, repositories);
    for (Warning warning : concat(others(repositories), kept())) {
      plan = plan.warning(warning);
    }
    return plan;
  }

  private static List<Warning> concat(Optional<Warning> one, Optional<Warning> other) {
    return Stream.concat(one.stream(), other.stream()).toList();
  }

  private Optional<Warning> kept() throws InterruptedIOException {
    try {
      tools.manifests.keep();
      return Optional.empty();
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return Optional.of(
          new Warning(
              Warning.Kind.ManifestsNotKept,
              "what was read of manifests is not kept, and the next run reads it again: "
                  + e.getMessage()));
    }
  }

  /** It changes nothing of a plan: a policy that cannot be asked for is a warning like the rest. */
  private Optional<Warning> others(Collection<String> repositories) throws InterruptedIOException {
    try {
      return new OtherPolicies(new OtherPolicies.Named(policy.name(), spec), tools.policies.list())
          .overlap(repositories);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return Optional.of(
          new Warning(
              Warning.Kind.PoliciesOverlap,
              "whether other policies name the same repositories is not known: " + e.getMessage()));
    }
  }

  private InUse workloads() throws IOException {
    InUse all = tools.use.now().and(InUse.aliased(PolicyReader.aliases(spec)));
    return spec.protect().inUse() ? all : all.onlyWriters();
  }

  /** It asks again what workloads use, and what the lists of those caches that it prunes use. */
  private Executor executor(Plan plan) {
    List<String> pruned =
        plan.repositories().stream()
            .filter(repository -> !repository.deletions().isEmpty())
            .map(RepositoryPlan::name)
            .toList();
    Fresh<InUse> lists = new Fresh<>(LISTS_FRESH, System::nanoTime, () -> listed(pruned));
    return new Executor(
        tools.client, tools.book, () -> workloads().and(lists.get()), tools.clock, tools.listener);
  }

  /** Carries out what of a plan was approved. */
  private RunReport approved(Plan plan, String hash) throws IOException {
    if (tools.waiting.spent(hash)) {
      tools.waiting.save(plan);
      return notApproved(
          plan,
          "what was approved, %s, was carried out, and an approval is for once: remove the annotation, start a run, and approve what it says"
              .formatted(hash));
    }
    if (plan.hash().equals(hash)) {
      return spent(executor(plan).execute(plan, hash), hash);
    }
    Optional<Plan> earlier = tools.waiting.load(hash);
    tools.waiting.save(plan);
    Plan allowed = earlier.map(e -> Approval.of(plan, e)).orElse(plan.with(List.of()));
    if (allowed.deletions() == 0) {
      return notApproved(plan, "what was approved, %s, is another plan".formatted(hash));
    }
    RunReport report = executor(allowed).execute(allowed, "");
    return spent(report.withLeft(plan, left(plan, allowed)), hash);
  }

  private RunReport notApproved(Plan plan, String why) throws IOException {
    Plan.Stop stop = Objects.requireNonNull(plan.stop());
    String message = stop.message() + "; " + why;
    return executor(plan).execute(plan.stoppedBy(new Plan.Stop(stop.cause(), message)), "");
  }

  /** What was deleted is told even if it cannot be remembered that its approval is used up. */
  private RunReport spent(RunReport report, String hash) throws InterruptedIOException {
    try {
      tools.waiting.spend(hash);
      return report;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return report.withCondition(
          new Condition(
              ConditionType.StateNotKept,
              "the approval",
              "it was used up, which could not be written down; remove the annotation: "
                  + e.getMessage()));
    }
  }

  private static List<Outcome> left(Plan plan, Plan allowed) {
    List<Outcome> left = new ArrayList<>();
    for (RepositoryPlan repository : plan.repositories()) {
      boolean goes =
          allowed.repository(repository.name()).filter(r -> !r.deletions().isEmpty()).isPresent();
      for (Deletion deletion : goes ? List.<Deletion>of() : repository.deletions()) {
        left.add(
            new Outcome(repository.name(), deletion, Result.LEFT, "not all of it was approved"));
      }
    }
    return left;
  }

  /** What the lists of caches use. */
  private InUse listed(Collection<String> repositories) throws IOException {
    InUse all = InUse.NOTHING;
    for (String repository : repositories) {
      String governs = policy.rulesFor(repository).map(RegistryRules::name).orElse("");
      for (CachePolicy cache : caches) {
        if (cache.name().equals(governs)) {
          all = all.and(listed(cache, repository));
        }
      }
    }
    return all;
  }

  private InUse listed(CachePolicy cache, String repository) throws IOException {
    Reference reference = Reference.parse(repository);
    try {
      return cache.uses(reference, CacheLists.read(tools.client, reference), tools.clock.instant());
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      // As one that cannot be parsed: nothing in the repository may go.
      return InUse.unparsable(
          new Unparsable(repository, "the cache's lists cannot be read (" + e.getMessage() + ")"));
    }
  }
}
