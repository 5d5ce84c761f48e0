package build.kiln.operator.imagepruning;

import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.NodeFailure;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.NodeImage;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Nodes;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.v1alpha1.Text;
import build.kiln.api.work.NodeOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.RunResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;

/** What a run came to on all nodes. Pure. */
final class NodeSum {
  private static final int SHOWN_IMAGES = 20;
  private static final int SHOWN_FAILURES = 10;
  private static final int SHOWN_REASONS = 20;
  private static final int LONGEST_IMAGE = 320;
  private static final int LONGEST_FAILURE = 300;

  private final List<NodeEnd> ends;
  private final int skipped;

  /**
   * @param ends of the nodes that were to be pruned
   * @param skipped how many were passed over
   */
  NodeSum(List<NodeEnd> ends, int skipped) {
    this.ends = List.copyOf(ends);
    this.skipped = skipped;
  }

  /**
   * What all of a run came to.
   *
   * @param report where those of the nodes are
   */
  Conclusion<PruneReport> with(Conclusion<PruneReport> pod, String report) {
    var nodes = nodes(report);
    var whole = pod.report() == null ? null : pod.report().with(nodes);
    return new Conclusion<>(result(pod.result(), nodes), whole);
  }

  private RunResult result(RunResult pod, Nodes nodes) {
    var bad = ends.stream().filter(end -> !end.well()).toList();
    String all = pod.message() + "; " + text(nodes);
    if (!pod.succeeded() || bad.isEmpty()) {
      return new RunResult(pod.succeeded(), pod.reason(), all, pod.retry(), pod.warnings());
    }
    var first = bad.stream().filter(end -> !end.limited()).findFirst().orElseGet(bad::getFirst);
    var reason =
        first.limited() ? PruneFailureReason.LimitsExceeded : PruneFailureReason.NodesFailed;
    return RunResult.failure(
            reason.name(),
            "%d of %d nodes were not pruned as they should, such as %s: %s; %s"
                .formatted(
                    bad.size(),
                    ends.size(),
                    first.node(),
                    Text.start(first.message(), LONGEST_FAILURE),
                    all),
            null)
        .warning(pod.warnings());
  }

  private String text(Nodes nodes) {
    return "%d nodes: %d of %d images %s, %d bytes"
            .formatted(
                nodes.looked(),
                nodes.removed(),
                nodes.examined(),
                dryRun() ? "would be removed" : "removed",
                nodes.reclaimedBytes())
        + limits();
  }

  private String limits() {
    var limited = ends.stream().filter(NodeEnd::wouldBeLimited).toList();
    return limited.isEmpty()
        ? ""
        : "; a real run would be stopped on %d of them, such as %s: %s"
            .formatted(
                limited.size(),
                limited.getFirst().node(),
                Text.start(limited.getFirst().message(), LONGEST_FAILURE));
  }

  private boolean dryRun() {
    return ends.stream().anyMatch(end -> end.outcome() != null && end.outcome().dryRun());
  }

  private Nodes nodes(String report) {
    var bad = ends.stream().filter(end -> !end.well()).toList();
    var removed = images();
    var kept = kept();
    return new Nodes(
        (int) ends.stream().filter(end -> end.outcome() != null).count(),
        skipped,
        bad.size(),
        count(sum(NodeOutcome::examined)),
        kept.isEmpty() ? null : kept,
        count(done(NodeOutcome::removed)),
        count(sum(NodeOutcome::left)),
        count(sum(NodeOutcome::failed)),
        done(NodeOutcome::reclaimedBytes),
        removed.isEmpty() ? null : removed,
        bad.isEmpty()
            ? null
            : bad.stream()
                .limit(SHOWN_FAILURES)
                .map(
                    end ->
                        new NodeFailure(
                            end.node(), Text.orEmpty(Text.start(end.message(), LONGEST_FAILURE))))
                .toList(),
        report);
  }

  private static int count(long sum) {
    return (int) Math.min(Integer.MAX_VALUE, sum);
  }

  private long sum(ToLongFunction<NodeOutcome> of) {
    return ends.stream()
        .flatMap(end -> Optional.ofNullable(end.outcome()).stream())
        .mapToLong(of)
        .sum();
  }

  /** Without nodes that a limit stopped, of which nothing was removed. */
  private long done(ToLongFunction<NodeOutcome> of) {
    return ends.stream()
        .filter(end -> !end.limited())
        .flatMap(end -> Optional.ofNullable(end.outcome()).stream())
        .mapToLong(of)
        .sum();
  }

  private List<Kept> kept() {
    Map<String, Long> byReason = new LinkedHashMap<>();
    for (var end : ends) {
      if (end.outcome() != null) {
        end.outcome()
            .kept()
            .forEach(kept -> byReason.merge(kept.reason(), (long) kept.count(), Long::sum));
      }
    }
    return byReason.entrySet().stream()
        .limit(SHOWN_REASONS)
        .map(e -> new Kept(e.getKey(), count(e.getValue())))
        .toList();
  }

  private List<NodeImage> images() {
    return ends.stream()
        .filter(end -> !end.limited())
        .flatMap(
            end ->
                Optional.ofNullable(end.outcome()).stream()
                    .flatMap(outcome -> outcome.images().stream())
                    .map(
                        image ->
                            new NodeImage(
                                end.node(), Text.orEmpty(Text.start(image, LONGEST_IMAGE)))))
        .limit(SHOWN_IMAGES)
        .toList();
  }
}
