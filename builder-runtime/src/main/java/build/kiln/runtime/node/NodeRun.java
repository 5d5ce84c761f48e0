package build.kiln.runtime.node;

import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.NodeOutcome;
import build.kiln.api.work.NodeOutcome.Failure;
import build.kiln.runtime.cri.Cri;
import build.kiln.runtime.node.NodePlan.Verdict;
import build.kiln.runtime.node.NodeReport.Image;
import build.kiln.runtime.node.NodeReport.Result;
import build.kiln.runtime.oci.OciException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One run of a policy on one node: look, plan, remove, and remember for the next run. */
public final class NodeRun {
  private static final int SHOWN = 5;

  private final NodeOrder order;
  private final Path socket;
  private final NodeStore store;
  private final Clock clock;
  private final Consumer<String> out;

  /**
   * @param socket of the node's runtime
   * @param out gets a line for each image that goes, and one for the whole
   */
  public NodeRun(NodeOrder order, Path socket, NodeStore store, Clock clock, Consumer<String> out) {
    this.order = order;
    this.socket = socket;
    this.store = store;
    this.clock = clock;
    this.out = out;
  }

  /** Why a run cannot be done, or was not done as it should. */
  private static final class Problem extends IOException {
    private final Failure failure;

    Problem(Failure failure, String message, Exception cause) {
      super(message, cause);
      this.failure = failure;
    }
  }

  /** Does it; whatever goes wrong is part of the outcome. */
  public NodeOutcome run() throws InterruptedIOException {
    try {
      NodeMemory before = memory();
      try (Cri cri = Cri.open(socket)) {
        NodeReport report = report(cri, before);
        Optional<String> lost = keep(report);
        NodeOutcome outcome = outcome(report, lost.orElse(null));
        out.accept(summary(outcome));
        return outcome;
      }
    } catch (InterruptedIOException e) {
      throw e;
    } catch (Problem e) {
      return NodeOutcome.failed(e.failure, e.getMessage(), order.dryRun());
    } catch (IOException e) {
      return NodeOutcome.failed(Failure.RuntimeFailed, said(e), order.dryRun());
    }
  }

  private NodeMemory memory() throws IOException {
    try {
      return store.load().map(NodeReport::memory).orElse(NodeMemory.NONE);
    } catch (InterruptedIOException e) {
      throw e;
    } catch (OciException e) {
      throw new Problem(
          Failure.StateNotKept,
          said(e) + ": delete its ConfigMap, and everything counts as seen for the first time",
          e);
    } catch (IOException e) {
      throw new Problem(Failure.StateNotKept, said(e), e);
    }
  }

  private NodeReport report(Cri cri, NodeMemory before) throws IOException {
    Instant now = clock.instant();
    NodeLook look = new NodeLook(cri);
    NodeInventory inventory = look.now();
    NodePlan plan = NodePlanner.plan(inventory, before, NodeRules.of(order), now);
    Function<List<Image>, NodeReport> report =
        images ->
            new NodeReport(
                order.policy(),
                order.run(),
                order.node(),
                inventory.runtime(),
                now,
                order.dryRun(),
                plan.stop(),
                images);
    if (order.dryRun() || plan.stop() != null) {
      return report.apply(plan.verdicts().stream().map(this::planned).toList());
    }
    if (plan.removals().findAny().isPresent()) {
      forget(report.apply(plan.verdicts().stream().map(NodeRun::begun).toList()));
    }
    var executor = new NodeExecutor(cri, look, image -> out.accept(line(image)));
    return report.apply(executor.execute(plan));
  }

  /**
   * Before the first removal: what is removed and comes again must be new, wherever this run ends.
   */
  private void forget(NodeReport begun) throws IOException {
    try {
      store.save(begun.write());
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      throw new Problem(
          Failure.StateNotKept,
          "what was seen on the node could not be kept, so nothing was removed: " + said(e),
          e);
    }
  }

  private static Image begun(Verdict verdict) {
    return Image.of(
        verdict, verdict.reason().keeps() ? Result.KEPT : Result.REMOVING, verdict.detail());
  }

  private Image planned(Verdict verdict) {
    Image image =
        Image.of(
            verdict, verdict.reason().keeps() ? Result.KEPT : Result.PLANNED, verdict.detail());
    if (image.result() == Result.PLANNED) {
      out.accept(line(image));
    }
    return image;
  }

  /** Why the report could not be kept; what was removed is told all the same. */
  private Optional<String> keep(NodeReport report) throws InterruptedIOException {
    try {
      store.save(report.write());
      return Optional.empty();
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return Optional.of("what was seen on the node could not be kept: " + said(e));
    }
  }

  private static String said(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  private static String line(Image image) {
    return "%s %s (%s): %s".formatted(image.result(), image.name(), image.id(), image.detail());
  }

  private static String summary(NodeOutcome outcome) {
    return "%d images, %d %s, %d left, %d failed, %d bytes"
        .formatted(
            outcome.examined(),
            outcome.removed(),
            outcome.dryRun() ? "would be removed" : "removed",
            outcome.left(),
            outcome.failed(),
            outcome.reclaimedBytes());
  }

  private NodeOutcome outcome(NodeReport report, @Nullable String lost) {
    List<Image> images = report.images();
    boolean stopped = report.stop() != null && !report.dryRun();
    List<Image> going =
        images.stream()
            .filter(image -> image.result() == Result.REMOVED || image.result() == Result.PLANNED)
            .toList();
    int failed = count(images, Result.FAILED);
    Failure failure =
        stopped
            ? Failure.LimitsExceeded
            : failed > 0 ? Failure.RuntimeFailed : lost != null ? Failure.StateNotKept : null;
    String message = stopped ? report.stop() : failed > 0 ? failures(images, failed) : lost;
    return new NodeOutcome(
        failure == null,
        failure,
        message == null && report.stop() != null
            ? "it would be stopped: " + report.stop()
            : message,
        report.dryRun(),
        images.size(),
        kept(images),
        going.size(),
        count(images, Result.LEFT),
        failed,
        going.stream().mapToLong(Image::size).sum(),
        going.stream().map(Image::name).limit(SHOWN).toList());
  }

  private static String failures(List<Image> images, int failed) {
    return images.stream()
        .filter(image -> image.result() == Result.FAILED)
        .map(
            image ->
                "%d images could not be removed, such as %s: %s"
                    .formatted(failed, image.name(), image.detail()))
        .findFirst()
        .orElse("");
  }

  private static int count(List<Image> images, Result result) {
    return (int) images.stream().filter(image -> image.result() == result).count();
  }

  private static List<Kept> kept(List<Image> images) {
    return Arrays.stream(NodeReason.values())
        .map(
            reason ->
                new Kept(
                    reason.name(),
                    (int)
                        images.stream()
                            .filter(i -> i.result() == Result.KEPT && i.reason() == reason)
                            .count()))
        .filter(kept -> kept.count() > 0)
        .toList();
  }
}
