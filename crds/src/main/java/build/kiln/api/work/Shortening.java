package build.kiln.api.work;

import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Deletion;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Warning;
import build.kiln.api.v1alpha1.Text;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What is left out first when a record is too large. Each method gives a list from whole to ever
 * shorter; the first that fits is written. The rules, in this order: the output's tail keeps its
 * end, texts keep their start, steps keep the last ones (a failing step is the last). What decides
 * is never cut: whether it succeeded, the reason, the exit code, the image and its digest.
 */
final class Shortening {
  /** Rounds of ever smaller texts; the last fits any outcome, even if JSON escapes every byte. */
  private static final List<Limits> ROUNDS =
      List.of(
          new Limits(8192, 4096, 1024, 500),
          new Limits(2048, 1500, 300, 200),
          new Limits(1200, 1000, 200, 50),
          new Limits(600, 500, 120, 20),
          new Limits(200, 200, 60, 5),
          new Limits(80, 80, 30, 0));

  /** Most characters of a tail, a message and a short text; most steps. */
  private record Limits(int tail, int message, int text, int steps) {}

  private Shortening() {}

  static List<Outcome> of(Outcome whole) {
    return Stream.concat(
            Stream.of(shorten(whole, new Limits(65536, 65536, 65536, 0))),
            ROUNDS.stream().map(limits -> shorten(whole, limits)))
        .toList();
  }

  static List<Report> of(Report whole) {
    return ROUNDS.stream().map(limits -> shorten(whole, limits)).toList();
  }

  static List<MirrorOutcome> of(MirrorOutcome whole) {
    return IntStream.of(4096, 1500, 500, 100).mapToObj(length -> shorten(whole, length)).toList();
  }

  static List<MirrorReport> of(MirrorReport whole) {
    return Stream.of(
            new Limits(0, 1000, 512, 50),
            new Limits(0, 200, 300, 50),
            new Limits(0, 100, 200, 30),
            new Limits(0, 50, 100, 10),
            new Limits(0, 50, 100, 0))
        .map(
            limits ->
                new MirrorReport(
                    shorten(whole.outcome(), limits.message()),
                    whole.images().stream()
                        .limit(limits.steps())
                        .map(image -> shorten(image, limits))
                        .toList(),
                    whole.peakMemory()))
        .toList();
  }

  private static MirrorOutcome shorten(MirrorOutcome whole, int message) {
    return new MirrorOutcome(
        whole.succeeded(),
        whole.reason(),
        Text.start(whole.message(), message),
        whole.retryable(),
        whole.observed(),
        whole.copied(),
        whole.upToDate(),
        whole.deleted(),
        whole.failed(),
        whole.copiedBytes(),
        whole.mountedBytes());
  }

  static List<PruneOutcome> of(PruneOutcome whole) {
    return IntStream.of(4096, 1500, 500, 100).mapToObj(length -> shorten(whole, length)).toList();
  }

  static List<NodeOutcome> of(NodeOutcome whole) {
    return Stream.of(new Limits(0, 1500, 320, 5), new Limits(0, 300, 100, 0))
        .map(
            limits ->
                new NodeOutcome(
                    whole.succeeded(),
                    whole.failure(),
                    Text.start(whole.message(), limits.message()),
                    whole.dryRun(),
                    whole.examined(),
                    whole.kept(),
                    whole.removed(),
                    whole.left(),
                    whole.failed(),
                    whole.reclaimedBytes(),
                    whole.images().stream()
                        .limit(limits.steps())
                        .map(image -> Text.orEmpty(Text.start(image, limits.text())))
                        .toList()))
        .toList();
  }

  static List<PruneReport> of(PruneReport whole) {
    return Stream.of(
            new Limits(0, 4096, 640, 20), new Limits(0, 1000, 300, 20), new Limits(0, 100, 100, 0))
        .map(
            limits ->
                new PruneReport(
                    shorten(whole.outcome(), limits.message()),
                    whole.kept(),
                    whole.deletions().stream()
                        .limit(limits.steps())
                        .map(
                            deletion ->
                                new Deletion(
                                    Text.orEmpty(Text.start(deletion.image(), limits.text())),
                                    deletion.result(),
                                    deletion.reason(),
                                    deletion.rule()))
                        .toList(),
                    Text.start(whole.report(), limits.message()),
                    whole.warnings().stream()
                        .map(
                            warning ->
                                new Warning(
                                    warning.reason(),
                                    Text.orEmpty(
                                        Text.start(
                                            warning.message(), Math.min(1024, limits.message())))))
                        .toList(),
                    whole.peakMemory(),
                    whole.nodes()))
        .toList();
  }

  private static PruneOutcome shorten(PruneOutcome whole, int message) {
    return new PruneOutcome(
        whole.succeeded(),
        whole.reason(),
        Text.start(whole.message(), message),
        whole.retryable(),
        whole.dryRun(),
        whole.planHash(),
        whole.examined(),
        whole.deleted(),
        whole.left(),
        whole.failed(),
        whole.reclaimedBytes());
  }

  private static Image shorten(Image whole, Limits limits) {
    return new Image(
        Text.start(whole.source(), limits.text()),
        Text.start(whole.destination(), limits.text()),
        whole.digest(),
        whole.result(),
        whole.reason(),
        Text.start(whole.message(), limits.message()),
        whole.copiedBytes(),
        whole.mountedBytes());
  }

  static List<Progress> of(Progress whole) {
    return IntStream.of(500, 100, 20)
        .mapToObj(
            length ->
                new Progress(whole.step(), whole.of(), Text.start(whole.instruction(), length)))
        .toList();
  }

  private static Outcome shorten(Outcome whole, Limits limits) {
    return new Outcome(
        whole.succeeded(),
        whole.reason(),
        Text.start(whole.message(), limits.message()),
        Text.start(whole.step(), limits.text()),
        whole.stepExitCode(),
        Text.end(whole.logTail(), limits.tail()),
        Text.start(whole.image(), 512),
        Text.start(whole.digest(), 160),
        whole.steps(),
        whole.cached(),
        shorten(whole.isolation(), limits),
        whole.pulledBytes(),
        whole.pushedBytes());
  }

  private static @Nullable IsolationReport shorten(@Nullable IsolationReport whole, Limits limits) {
    return whole == null
        ? null
        : new IsolationReport(
            whole.requested(), whole.achieved(), Text.start(whole.detail(), limits.text()));
  }

  private static Report shorten(Report whole, Limits limits) {
    List<Step> steps = whole.steps();
    return new Report(
        shorten(whole.outcome(), limits),
        Text.start(whole.platform(), 64),
        Text.start(whole.revision(), 128),
        steps.subList(Math.max(0, steps.size() - limits.steps()), steps.size()).stream()
            .map(step -> shorten(step, limits))
            .toList(),
        whole.timings().size() <= 20 ? whole.timings() : Map.of(),
        whole.peakMemory());
  }

  private static Step shorten(Step whole, Limits limits) {
    return new Step(
        Text.orEmpty(Text.start(whole.instruction(), limits.text())),
        whole.cache(),
        Text.start(whole.missReason(), limits.text()),
        Text.start(whole.duration(), 32),
        Text.start(whole.digest(), 160),
        whole.size());
  }
}
