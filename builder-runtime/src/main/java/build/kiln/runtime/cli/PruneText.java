package build.kiln.runtime.cli;

import build.kiln.runtime.prune.Deletion;
import build.kiln.runtime.prune.Plan;
import build.kiln.runtime.prune.PolicyRun;
import build.kiln.runtime.prune.Reason;
import build.kiln.runtime.prune.ReportFile;
import build.kiln.runtime.prune.RepositoryPlan;
import build.kiln.runtime.prune.RunReport;
import build.kiln.runtime.prune.Verdict;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Plans and reports for people. */
final class PruneText {
  private PruneText() {}

  static void print(Plan plan, PrintStream out) {
    for (RepositoryPlan repository : plan.repositories()) {
      out.println(repository.name());
      Verdict untouched = repository.untouched();
      if (untouched != null) {
        out.println("  nothing is touched: " + text(untouched));
        continue;
      }
      List<List<String>> rows = new ArrayList<>();
      for (Deletion deletion : repository.deletions()) {
        rows.add(List.of("  delete", what(deletion), text(deletion.verdict())));
      }
      if (!rows.isEmpty()) {
        Table.print(out, rows);
      }
      Map<Reason, Integer> kept = new TreeMap<>();
      repository.kept().forEach(k -> kept.merge(k.verdict().reason(), 1, Integer::sum));
      out.println("  keep " + counts(kept));
    }
    printWarnings(plan, out);
    out.println();
    out.printf(
        "Plan %s: of %d manifests %d are deleted, and %d single tags; up to %s become free.%n",
        plan.hash(),
        plan.examined(),
        plan.deletedDigests(),
        plan.deletions() - plan.deletedDigests(),
        Table.size(plan.reclaimableBytes()));
    Plan.Stop stop = plan.stop();
    if (stop != null) {
      out.println("It is not carried out: " + stop.message() + ".");
    }
  }

  /** Of a dry run the plan, else what was done. */
  static void print(PolicyRun.Ended ended, PrintStream out) {
    if (ended.executed().isPresent()) {
      print(ended.executed().get().withoutOutcomes(), out);
      printWarnings(ended.plan(), out);
    } else {
      print(ended.plan(), out);
    }
  }

  /** A whole report: each deletion with its reason, then the totals. */
  static void print(ReportFile file, PrintStream out) {
    RunReport result = file.result();
    if (result != null) {
      print(result, out);
      printWarnings(file.plan().toPlan(), out);
    } else {
      print(file.plan().toPlan(), out);
    }
  }

  private static void printWarnings(Plan plan, PrintStream out) {
    plan.warnings().forEach(w -> out.printf("%s: %s%n", w.kind(), w.message()));
  }

  private static String counts(Map<Reason, Integer> counts) {
    return counts.isEmpty()
        ? "nothing"
        : counts.entrySet().stream()
            .map(e -> e.getValue() + " " + e.getKey())
            .collect(Collectors.joining(", "));
  }

  static String what(Deletion deletion) {
    return switch (deletion) {
      case Deletion.OfTag t -> "tag " + t.tag();
      case Deletion.OfManifest m ->
          m.digest().algorithm()
              + ":"
              + m.digest().shortHex()
              + (m.tags().isEmpty() ? "" : " (" + String.join(", ", m.tags()) + ")");
    };
  }

  private static String text(Verdict verdict) {
    return verdict.reason()
        + (verdict.rule().isEmpty() ? "" : " " + verdict.rule())
        + (verdict.detail().isEmpty() ? "" : ": " + verdict.detail())
        + (verdict.of() == null ? "" : " of " + verdict.of());
  }

  static void print(RunReport report, PrintStream out) {
    for (RunReport.Outcome outcome : report.outcomes()) {
      out.println(line(outcome));
    }
    for (RunReport.Condition condition : report.conditions()) {
      out.printf("%s at %s: %s%n", condition.type(), condition.where(), condition.message());
    }
    Plan.Stop stop = report.stop();
    if (stop != null) {
      out.println("Nothing was deleted: " + stop.message() + ".");
      return;
    }
    out.printf(
        "Policy %s, %s: %d manifests and %d single tags deleted, %d left, %d failed; %s reclaimed.%n",
        report.policy(),
        report.ended(),
        report.deleted(),
        report.untagged(),
        report.left(),
        report.failed(),
        Table.size(report.reclaimedBytes()));
    out.println("Kept: " + counts(new TreeMap<>(report.keptByReason())));
  }

  static String line(RunReport.Outcome outcome) {
    return "%s %s %s%s"
        .formatted(
            outcome.result().name().toLowerCase(Locale.ROOT),
            outcome.repository(),
            what(outcome.deletion()),
            outcome.message().isEmpty() ? "" : ": " + outcome.message());
  }
}
