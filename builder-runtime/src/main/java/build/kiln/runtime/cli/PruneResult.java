package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.runtime.prune.Deletion;
import build.kiln.runtime.prune.Few;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.Reason;
import build.kiln.runtime.prune.RepositoryPlan;
import build.kiln.runtime.prune.RunReport;
import build.kiln.runtime.prune.Verdict;
import build.kiln.runtime.prune.Warning;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the operator gets to know of a policy's run. */
final class PruneResult {
  private static final int SHOWN = 20;

  private static final Set<Reason> NOT_READ =
      Set.of(Reason.REPOSITORY_UNREADABLE, Reason.TAGS_VANISHED);

  private final PolicyRun.Ended ended;
  private final boolean dryRun;

  /** Why not all was done. */
  private record Problem(PruneFailureReason reason, String message) {}

  PruneResult(PolicyRun.Ended ended, boolean dryRun) {
    this.ended = ended;
    this.dryRun = dryRun;
  }

  /**
   * @param where the whole report is; null if it is nowhere
   */
  PruneReport report(@Nullable String where) {
    return report(problem(), where);
  }

  /** Of a run whose whole report did not get to where it should. */
  PruneReport withoutReport(String why) {
    return report(
        problem().or(() -> Optional.of(new Problem(PruneFailureReason.ReportNotDelivered, why))),
        null);
  }

  private PruneReport report(Optional<Problem> problem, @Nullable String where) {
    return new PruneReport(
        outcome(problem), kept(), deletions(), where, warnings(), Timings.peakMemory());
  }

  private PruneOutcome outcome(Optional<Problem> problem) {
    Plan plan = ended.plan();
    Optional<RunReport> done = ended.executed().filter(report -> report.stop() == null);
    return new PruneOutcome(
        problem.isEmpty(),
        problem.map(Problem::reason).orElse(null),
        message(problem),
        problem.map(p -> p.reason.retryable()).orElse(false),
        dryRun,
        plan.hash(),
        plan.examined(),
        done.map(report -> report.deleted() + report.untagged()).orElseGet(plan::deletions),
        done.map(RunReport::left).orElse(0),
        done.map(RunReport::failed).orElse(0),
        done.map(RunReport::reclaimedBytes).orElseGet(plan::reclaimableBytes));
  }

  /** Why not all was done, and what else a person should know. */
  private @Nullable String message(Optional<Problem> problem) {
    Stream<String> first = problem.map(Problem::message).or(this::note).stream();
    Stream<String> then = ended.plan().warnings().stream().map(Warning::message);
    String all = Stream.concat(first, then).collect(Collectors.joining("; "));
    return all.isEmpty() ? null : all;
  }

  /** What a person should know of a run that went well. */
  private Optional<String> note() {
    return Optional.ofNullable(ended.plan().stop())
        .filter(stop -> dryRun)
        .map(stop -> "it would be stopped: " + stop.message());
  }

  private Optional<Problem> problem() {
    return stopped().or(this::notRead).or(this::refused).or(this::failed);
  }

  private Optional<Problem> stopped() {
    Plan.Stop stop =
        dryRun ? ended.plan().stop() : ended.executed().map(RunReport::stop).orElse(null);
    if (stop == null) {
      return Optional.empty();
    }
    return switch (stop.cause()) {
      case USE_UNKNOWN -> Optional.of(new Problem(PruneFailureReason.UseUnknown, stop.message()));
      case CLOCK_BEHIND -> Optional.of(new Problem(PruneFailureReason.ClockBehind, stop.message()));
      case TOO_MANY, TOO_LARGE_A_PART ->
          dryRun
              ? Optional.empty()
              : Optional.of(
                  new Problem(
                      PruneFailureReason.LimitsExceeded,
                      "%s: kubectl annotate --overwrite imageprunepolicy %s %s=%s"
                          .formatted(
                              stop.message(),
                              ended.plan().policy(),
                              ImagePrunePolicy.APPROVE_ANNOTATION,
                              ended.plan().hash())));
    };
  }

  private Optional<Problem> notRead() {
    List<RepositoryPlan> all =
        ended.plan().repositories().stream().filter(PruneResult::isNotRead).toList();
    if (all.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Problem(
            PruneFailureReason.RepositoryUnreadable,
            "nothing was deleted in %d of %d repositories: %s"
                .formatted(
                    all.size(),
                    ended.plan().repositories().size(),
                    Few.of(all.stream().map(PruneResult::whyNot).toList()))));
  }

  private static String whyNot(RepositoryPlan repository) {
    Verdict why = repository.untouched();
    return repository.name() + (why == null ? "" : ": " + why.detail());
  }

  private static boolean isNotRead(RepositoryPlan repository) {
    Verdict why = repository.untouched();
    return why != null && NOT_READ.contains(why.reason());
  }

  /** Of conditions that a person should mend, the first in the order of reasons. */
  private Optional<Problem> refused() {
    return ended.executed().stream()
        .flatMap(report -> report.conditions().stream())
        .map(c -> new Problem(reason(c.type()), c.where() + ": " + c.message()))
        .min(Comparator.comparing(Problem::reason));
  }

  private static PruneFailureReason reason(RunReport.ConditionType type) {
    return switch (type) {
      case DeleteUnsupported -> PruneFailureReason.DeleteUnsupported;
      case TagDeleteUnsupported -> PruneFailureReason.TagDeleteUnsupported;
      case DeleteDenied -> PruneFailureReason.DeleteDenied;
      case StateNotKept -> PruneFailureReason.StateNotKept;
    };
  }

  private Optional<Problem> failed() {
    return ended
        .executed()
        .flatMap(
            report ->
                report.outcomes().stream()
                    .filter(o -> o.result() == RunReport.Result.FAILED)
                    .findFirst()
                    .map(
                        o ->
                            new Problem(
                                PruneFailureReason.DeletionsFailed,
                                "%d of %d deletions failed, such as %s: %s"
                                    .formatted(
                                        report.failed(),
                                        ended.plan().deletions(),
                                        image(o.repository(), o.deletion()),
                                        o.message()))));
  }

  private List<ImagePrunePolicyStatus.Warning> warnings() {
    return ended.plan().warnings().stream()
        .map(w -> new ImagePrunePolicyStatus.Warning(w.kind().name(), w.message()))
        .toList();
  }

  private List<Kept> kept() {
    return ended.plan().keptByReason().entrySet().stream()
        .map(e -> new Kept(e.getKey().name(), e.getValue()))
        .toList();
  }

  private List<ImagePrunePolicyStatus.Deletion> deletions() {
    Optional<RunReport> done = ended.executed().filter(report -> report.stop() == null);
    if (done.isPresent()) {
      return done.get().outcomes().stream()
          .sorted(Comparator.comparing((RunReport.Outcome o) -> o.result()).reversed())
          .limit(SHOWN)
          .map(o -> shown(o.repository(), o.deletion(), result(o.result())))
          .toList();
    }
    List<ImagePrunePolicyStatus.Deletion> planned = new ArrayList<>();
    for (RepositoryPlan repository : ended.plan().repositories()) {
      repository.deletions().stream()
          .limit(SHOWN - planned.size())
          .map(d -> shown(repository.name(), d, ImagePrunePolicyStatus.Result.Planned))
          .forEach(planned::add);
    }
    return planned;
  }

  private static ImagePrunePolicyStatus.Result result(RunReport.Result result) {
    return switch (result) {
      case DELETED, GONE -> ImagePrunePolicyStatus.Result.Deleted;
      case LEFT -> ImagePrunePolicyStatus.Result.Left;
      case FAILED -> ImagePrunePolicyStatus.Result.Failed;
    };
  }

  private static ImagePrunePolicyStatus.Deletion shown(
      String repository, Deletion deletion, ImagePrunePolicyStatus.Result result) {
    Verdict verdict = deletion.verdict();
    return new ImagePrunePolicyStatus.Deletion(
        image(repository, deletion),
        result,
        verdict.reason().name(),
        verdict.rule().isEmpty() ? null : verdict.rule());
  }

  /** By its first tag, which people know, else by its digest. */
  private static String image(String repository, Deletion deletion) {
    return switch (deletion) {
      case Deletion.OfTag t -> repository + ":" + t.tag();
      case Deletion.OfManifest m ->
          m.tags().isEmpty()
              ? repository + "@" + m.digest()
              : repository + ":" + m.tags().getFirst();
    };
  }
}
