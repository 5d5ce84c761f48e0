package build.kiln.runtime.prune;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.prune.Deletion.OfManifest;
import build.kiln.runtime.prune.Deletion.OfTag;
import build.kiln.runtime.prune.PruneException.Code;
import build.kiln.runtime.prune.RunReport.Condition;
import build.kiln.runtime.prune.RunReport.ConditionType;
import build.kiln.runtime.prune.RunReport.Outcome;
import build.kiln.runtime.prune.RunReport.Result;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Carries out a plan, in its order. Before each deletion it looks again whether it is still right;
 * what has changed stays. When a deletion of a manifest fails or is left, so are those after it in
 * the repository: they may be children of what stays.
 *
 * <p>Between the last look and the registry's deletion somebody may still push a tag onto what is
 * being deleted: no client can close that window.
 */
public final class Executor {
  /** What is in use and who builds may change: a plan is not carried out later. */
  static final Duration PLAN_LIFETIME = Duration.ofHours(1);

  /** Asks again what is in use, before each deletion. */
  @FunctionalInterface
  public interface CurrentUse {
    InUse now() throws IOException;
  }

  private final RegistryClient client;
  private final LedgerMarks marks;
  private final CurrentUse use;
  private final Clock clock;
  private final Consumer<Outcome> listener;

  private final List<Outcome> outcomes = new ArrayList<>();
  private final Set<Condition> conditions = new LinkedHashSet<>();
  private final Set<String> withoutDelete = new HashSet<>();
  private final Set<String> withoutTagDelete = new HashSet<>();
  private final Set<String> withTagDelete = new HashSet<>();

  /**
   * For one run.
   *
   * @param client without mirrors
   * @param listener told of each deletion when it has ended
   */
  public Executor(
      RegistryClient client,
      LedgerBook book,
      CurrentUse use,
      Clock clock,
      Consumer<Outcome> listener) {
    this.client = client;
    this.marks = new LedgerMarks(book);
    this.use = use;
    this.clock = clock;
    this.listener = listener;
  }

  /**
   * Does what a plan says.
   *
   * @param approved the hash that a person allowed beyond the policy's limits; empty if none
   * @throws PruneException if the plan is too old, or the ledger cannot be written before the first
   *     deletion; nothing was deleted then
   */
  public RunReport execute(Plan plan, String approved) throws IOException {
    Instant started = clock.instant();
    Plan.Stop stop = plan.stop();
    if (stop != null && !(stop.cause().approvable() && plan.hash().equals(approved))) {
      return report(plan, started, stop);
    }
    Optional<String> expired = expired(plan);
    if (expired.isPresent()) {
      throw new PruneException(Code.INPUT_INVALID, expired.get());
    }
    marks.begin(plan);
    try {
      for (RepositoryPlan repository : plan.repositories()) {
        if (!repository.deletions().isEmpty()) {
          execute(plan, repository);
        }
      }
    } finally {
      remember();
    }
    return report(plan, started, null);
  }

  /** What was deleted is told even if that cannot be remembered. */
  private void remember() throws InterruptedIOException {
    try {
      marks.end(outcomes);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      conditions.add(
          new Condition(
              ConditionType.StateNotKept,
              "the ledger",
              "what was deleted could not be written down, and the next scan has to find it out: "
                  + e.getMessage()));
    }
  }

  private Optional<String> expired(Plan plan) {
    Instant now = clock.instant();
    boolean valid =
        !plan.at().plus(PLAN_LIFETIME).isBefore(now)
            && !plan.at().isAfter(now.plus(Planner.CLOCK_TOLERANCE));
    return valid
        ? Optional.empty()
        : Optional.of(
            "the plan was made at %s and is not carried out more than %d minutes later: plan again"
                .formatted(plan.at(), PLAN_LIFETIME.toMinutes()));
  }

  private void execute(Plan whole, RepositoryPlan plan) throws InterruptedIOException {
    String why = "";
    try {
      Map<String, Digest> kept = new HashMap<>();
      plan.kept().forEach(k -> k.tags().forEach(tag -> kept.put(tag, k.digest())));
      Recheck recheck = new Recheck(client, plan, kept, System::nanoTime);
      UseCheck used = new UseCheck(use, plan);
      for (Deletion deletion : plan.deletions()) {
        why = why.isEmpty() ? expired(whole).orElse("") : why;
        why = why.isEmpty() ? used.look().orElse("") : why;
        why = why.isEmpty() ? recheck.look().orElse("") : why;
        if (!why.isEmpty()) {
          end(plan.name(), deletion, Result.LEFT, why);
          continue;
        }
        Outcome outcome = attempt(plan.name(), deletion);
        end(outcome);
        if (deletion instanceof OfManifest && !outcome.gone()) {
          why = "what came before it stays";
        }
      }
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException | OciException e) {
      String message = "cannot look again: " + e.getMessage();
      long done = outcomes.stream().filter(o -> o.repository().equals(plan.name())).count();
      plan.deletions().stream()
          .skip(done)
          .forEach(deletion -> end(plan.name(), deletion, Result.FAILED, message));
    }
  }

  private Outcome attempt(String repository, Deletion deletion) throws InterruptedIOException {
    Reference name = Reference.parse(repository);
    String registry = Reclaimed.registry(repository);
    Set<String> refusing = deletion instanceof OfTag ? withoutTagDelete : withoutDelete;
    if (refusing.contains(registry)) {
      return new Outcome(repository, deletion, Result.FAILED, "the registry refuses deletions");
    }
    try {
      Reference target =
          switch (deletion) {
            case OfTag t -> name.withTag(t.tag());
            case OfManifest m -> name.withDigest(m.digest());
          };
      Optional<Digest> now = client.head(target).map(Descriptor::digest);
      if (now.isEmpty()) {
        return new Outcome(repository, deletion, Result.GONE, "");
      }
      if (!now.get().equals(deletion.digest())) {
        return new Outcome(repository, deletion, Result.LEFT, "it points at " + now.get() + " now");
      }
      boolean deleted = client.deleteManifest(target);
      if (deletion instanceof OfTag t && deleted && !withTagDelete.contains(registry)) {
        return onlyTheTag(repository, t);
      }
      return new Outcome(repository, deletion, deleted ? Result.DELETED : Result.GONE, "");
    } catch (RegistryException e) {
      return refused(repository, deletion, refusing, e);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return new Outcome(repository, deletion, Result.FAILED, String.valueOf(e.getMessage()));
    }
  }

  /** Some registries delete what the tag points at, with all its other tags. */
  private Outcome onlyTheTag(String repository, OfTag deletion) throws IOException {
    String registry = Reclaimed.registry(repository);
    if (client.head(Reference.parse(repository).withDigest(deletion.digest())).isPresent()) {
      withTagDelete.add(registry);
      return new Outcome(repository, deletion, Result.DELETED, "");
    }
    String message =
        "deleting tag %s of %s deleted %s, which was to stay, with all its tags: push it again; no more tags are deleted on this registry by this run"
            .formatted(deletion.tag(), repository, deletion.digest());
    withoutTagDelete.add(registry);
    conditions.add(new Condition(ConditionType.TagDeleteUnsupported, registry, message));
    return new Outcome(repository, deletion, Result.FAILED, message);
  }

  private Outcome refused(
      String repository, Deletion deletion, Set<String> refusing, RegistryException e) {
    String message = String.valueOf(e.getMessage());
    String registry = Reclaimed.registry(repository);
    switch (e.code()) {
      case UNSUPPORTED, INVALID -> {
        if (e.status() == 405 || e.status() == 400 || e.status() == 501) {
          refusing.add(registry);
          conditions.add(
              new Condition(
                  deletion instanceof OfTag
                      ? ConditionType.TagDeleteUnsupported
                      : ConditionType.DeleteUnsupported,
                  registry,
                  message));
        }
      }
      case DENIED, UNAUTHORIZED ->
          conditions.add(new Condition(ConditionType.DeleteDenied, repository, message));
      case NOT_FOUND -> {
        return new Outcome(repository, deletion, Result.GONE, "");
      }
      case UNAVAILABLE -> {}
    }
    return new Outcome(repository, deletion, Result.FAILED, message);
  }

  private void end(String repository, Deletion deletion, Result result, String message) {
    end(new Outcome(repository, deletion, result, message));
  }

  private void end(Outcome outcome) {
    outcomes.add(outcome);
    listener.accept(outcome);
  }

  private RunReport report(Plan plan, Instant started, Plan.@Nullable Stop stop) {
    // By identity: one digest in two repositories is two deletions.
    Set<OfManifest> gone = Collections.newSetFromMap(new IdentityHashMap<>());
    Map<Result, Integer> counts = new HashMap<>();
    int untagged = 0;
    for (Outcome outcome : outcomes) {
      counts.merge(outcome.result(), 1, Integer::sum);
      if (outcome.gone()) {
        switch (outcome.deletion()) {
          case OfTag t -> untagged++;
          case OfManifest m -> gone.add(m);
        }
      }
    }
    return new RunReport(
        plan.policy(),
        plan.hash(),
        started.toString(),
        clock.instant().toString(),
        plan.examined(),
        plan.keptByReason(),
        gone.size(),
        untagged,
        counts.getOrDefault(Result.LEFT, 0),
        counts.getOrDefault(Result.FAILED, 0),
        new Reclaimed(plan).of(gone::contains),
        List.copyOf(conditions),
        stop,
        List.copyOf(outcomes));
  }
}
