package build.kiln.operator.imagemirror;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Bytes;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.MirrorOutcome;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.Orders;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.job.SpecHash;
import build.kiln.operator.job.Wish;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.RunPod;
import build.kiln.operator.scheduled.ScheduledKind;
import build.kiln.operator.scheduled.Standing;
import build.kiln.operator.scheduled.Subject;
import build.kiln.operator.scheduled.Timing;
import build.kiln.operator.scheduled.Words;
import build.kiln.operator.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The ImageMirror as a kind that runs on a schedule. */
final class MirrorKind implements ScheduledKind<ImageMirror, ImageMirrorStatus, MirrorReport> {
  static final Words WORDS =
      new Words(
          "imagemirror",
          "ImageMirror",
          "Mirror",
          "Mirroring",
          "mirror",
          "kiln-mirror",
          "kiln.build/imagemirror",
          ImageMirror.SYNC_ANNOTATION);

  /** What shapes the run and not its outcome. */
  private static final Set<String> POD =
      Set.of("podTemplate", "timeout", "concurrency", "bandwidth");

  /** What asks for nothing that a run could do. */
  private static final Set<String> NO_INPUTS =
      Stream.concat(
              POD.stream(), Stream.of("suspend", "schedule", "timeZone", "interval", "history"))
          .collect(Collectors.toUnmodifiableSet());

  private final Settings settings;

  MirrorKind(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Class<ImageMirror> type() {
    return ImageMirror.class;
  }

  @Override
  public Words words() {
    return WORDS;
  }

  @Override
  public Subject subject(ImageMirror mirror) {
    var generation = mirror.getMetadata().getGeneration();
    var problem = Validation.problem(mirror);
    if (problem.isPresent()) {
      return Subject.invalid(problem.get(), generation, standing(mirror));
    }
    ImageMirrorSpec spec = mirror.getSpec();
    return new Subject(
        Optional.empty(),
        generation,
        spec.suspend(),
        Timing.parse(spec.schedule(), spec.timeZone(), spec.interval()),
        SpecHash.without(spec, NO_INPUTS),
        SpecHash.only(spec, POD),
        Wish.of(mirror, ImageMirror.SYNC_ANNOTATION),
        spec.history(),
        standing(mirror));
  }

  @Override
  public Standing standing(ImageMirror mirror) {
    var status = before(mirror);
    return new Standing(
        status.observedGeneration(),
        status.lastHandledSync(),
        status.nextSync(),
        status.run(),
        status.conditions());
  }

  private static ImageMirrorStatus before(ImageMirror mirror) {
    return requireNonNullElse(mirror.getStatus(), ImageMirrorStatus.NONE);
  }

  @Override
  public String namespace(ImageMirror mirror) {
    return mirror.getMetadata().getNamespace();
  }

  @Override
  public List<SecretFiles.Wanted> secrets(ImageMirror mirror) {
    var spec = mirror.getSpec();
    var logins =
        Stream.of(
                Optional.ofNullable(spec.source().secretRef()),
                Optional.ofNullable(spec.destination().secretRef()))
            .flatMap(Optional::stream)
            .map(secret -> SecretFiles.login(secret.name()));
    var keys =
        Stream.ofNullable(spec.verify())
            .map(ImageMirrorSpec.Verify::publicKeyRef)
            .map(
                key ->
                    new SecretFiles.Wanted(
                        BuilderPaths.SECRETS_KEYS, key.name(), List.of(key.key()), true));
    return Stream.concat(logins, keys).distinct().toList();
  }

  @Override
  public RunPod pod(ImageMirror mirror) {
    var spec = mirror.getSpec();
    return new RunPod(Durations.parse(spec.timeout()), spec.podTemplate(), false);
  }

  @Override
  public String order(ImageMirror mirror, long run, String nonce, WorkOrder.Settings decided) {
    var clean = new ImageMirror();
    clean.setMetadata(Orders.asApplied(mirror));
    clean.setSpec(mirror.getSpec());
    return Records.order(new MirrorOrder(clean, run, nonce, decided));
  }

  @Override
  public Optional<String> nonce(String order) {
    try {
      return Optional.of(Records.readMirrorOrder(order).nonce());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public Optional<MirrorReport> report(String nonce, String log) {
    return Records.lastMirrorReport(nonce, log);
  }

  @Override
  public Conclusion<MirrorReport> conclude(JobState.Exited end, Optional<MirrorReport> report) {
    return MirrorReader.read(end, report, settings.retry());
  }

  @Override
  public ImageMirrorStatus status(ImageMirror mirror, Standing standing) {
    var before = before(mirror);
    return new ImageMirrorStatus(
        standing.observedGeneration(),
        standing.lastHandled(),
        before.lastSync(),
        standing.next(),
        standing.run(),
        before.observed(),
        before.copied(),
        before.upToDate(),
        before.deleted(),
        before.failed(),
        before.bytes(),
        before.images(),
        standing.conditions());
  }

  @Override
  public ImageMirrorStatus finished(
      ImageMirror mirror, Standing standing, Optional<MirrorReport> report) {
    MirrorOutcome said = report.map(MirrorReport::outcome).orElse(null);
    return new ImageMirrorStatus(
        standing.observedGeneration(),
        standing.lastHandled(),
        Optional.<@Nullable ScheduledRun>ofNullable(standing.run())
            .map(ScheduledRun::startTime)
            .orElse(null),
        standing.next(),
        standing.run(),
        said == null ? null : said.observed(),
        said == null ? null : said.copied(),
        said == null ? null : said.upToDate(),
        said == null ? null : said.deleted(),
        said == null ? null : said.failed(),
        said == null ? null : new Bytes(said.copiedBytes(), said.mountedBytes()),
        report.map(MirrorReport::images).filter(images -> !images.isEmpty()).orElse(null),
        standing.conditions());
  }

  @Override
  public void count(MirrorReport report, MeterRegistry metrics) {
    var said = report.outcome();
    count(metrics, "kiln.mirror.images", "result", "copied", said.copied());
    count(metrics, "kiln.mirror.images", "result", "uptodate", said.upToDate());
    count(metrics, "kiln.mirror.images", "result", "failed", said.failed());
    count(metrics, "kiln.mirror.tags", "result", "deleted", said.deleted());
    count(metrics, "kiln.mirror.bytes", "how", "copied", said.copiedBytes());
    count(metrics, "kiln.mirror.bytes", "how", "mounted", said.mountedBytes());
  }

  private static void count(
      MeterRegistry metrics, String name, String tag, String value, long amount) {
    metrics.counter(name, tag, value).increment(amount);
  }
}
