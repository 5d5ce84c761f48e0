package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNullElse;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec.SecretRef;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.job.JobState;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Orders;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.job.SpecHash;
import build.kiln.operator.scheduled.Conclusion;
import build.kiln.operator.scheduled.Follow;
import build.kiln.operator.scheduled.RunPod;
import build.kiln.operator.scheduled.ScheduledKind;
import build.kiln.operator.scheduled.Standing;
import build.kiln.operator.scheduled.Subject;
import build.kiln.operator.scheduled.Timing;
import build.kiln.operator.scheduled.Words;
import build.kiln.operator.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The ImagePrunePolicy as a kind that runs on a schedule. */
final class PolicyKind
    implements ScheduledKind<ImagePrunePolicy, ImagePrunePolicyStatus, PruneReport> {
  static final Words WORDS =
      new Words(
          "imageprunepolicy",
          "ImagePrunePolicy",
          "Prune",
          "Pruning",
          "prune",
          "kiln-prune",
          "kiln.build/imageprunepolicy",
          ImagePrunePolicy.PRUNE_ANNOTATION);

  /** What shapes the run and not its outcome. */
  private static final Set<String> POD = Set.of("podTemplate", "timeout");

  /** What asks for nothing that a run could do. */
  private static final Set<String> NO_INPUTS =
      Set.of("podTemplate", "timeout", "suspend", "schedule", "timeZone", "history", "report");

  private final Settings settings;
  private final Settings.Prune prune;
  private final JobSweep sweep;
  private final Optional<NodeSweep> nodes;

  /**
   * @param nodes empty where nodes are not pruned
   */
  PolicyKind(Settings settings, Settings.Prune prune, JobSweep sweep, Optional<NodeSweep> nodes) {
    this.settings = settings;
    this.prune = prune;
    this.sweep = sweep;
    this.nodes = nodes;
  }

  @Override
  public Class<ImagePrunePolicy> type() {
    return ImagePrunePolicy.class;
  }

  @Override
  public Words words() {
    return WORDS;
  }

  @Override
  public Subject subject(ImagePrunePolicy policy) {
    var generation = policy.getMetadata().getGeneration();
    var problem = Validation.problem(policy, prune.namespace(), nodes.isPresent());
    if (problem.isPresent()) {
      return Subject.invalid(problem.get(), generation, standing(policy));
    }
    ImagePrunePolicySpec spec = policy.getSpec();
    return new Subject(
        Optional.empty(),
        generation,
        spec.suspend(),
        Timing.parse(spec.schedule(), spec.timeZone(), null),
        SpecHash.without(spec, NO_INPUTS),
        SpecHash.only(spec, POD),
        PolicyWish.of(policy),
        spec.history(),
        standing(policy));
  }

  @Override
  public Standing standing(ImagePrunePolicy policy) {
    var status = before(policy);
    return new Standing(
        status.observedGeneration(),
        status.lastHandledPrune(),
        status.nextRun(),
        status.run(),
        status.conditions());
  }

  private static ImagePrunePolicyStatus before(ImagePrunePolicy policy) {
    return requireNonNullElse(policy.getStatus(), ImagePrunePolicyStatus.NONE);
  }

  @Override
  public boolean changed(ImagePrunePolicy now, ImagePrunePolicy before) {
    return !Objects.equals(PolicyWish.of(now), PolicyWish.of(before));
  }

  @Override
  public String namespace(ImagePrunePolicy policy) {
    return prune.namespace();
  }

  @Override
  public List<SecretFiles.Wanted> secrets(ImagePrunePolicy policy) {
    var spec = policy.getSpec();
    var logins =
        Stream.concat(
                spec.images().stream().map(ImagePrunePolicySpec.Registry::secretRef),
                spec.caches().stream().map(ImagePrunePolicySpec.Cache::secretRef))
            .flatMap(Stream::ofNullable)
            .map(secret -> SecretFiles.login(secret.name()));
    var report =
        Stream.ofNullable(spec.report())
            .flatMap(to -> Stream.<@Nullable SecretRef>ofNullable(to.secretRef()))
            .map(
                secret ->
                    new SecretFiles.Wanted(
                        BuilderPaths.SECRETS_REPORT,
                        secret.name(),
                        List.of("token", "username", "password"),
                        false));
    return Stream.concat(logins, report).distinct().toList();
  }

  /** Whoever may write a policy does not choose as whom it runs. */
  @Override
  public RunPod pod(ImagePrunePolicy policy) {
    var spec = policy.getSpec();
    var asked = spec.podTemplate();
    return new RunPod(
        Durations.parse(spec.timeout()),
        new PodTemplate(
            asked == null ? null : asked.resources(),
            asked == null ? null : asked.nodeSelector(),
            asked == null ? null : asked.tolerations(),
            asked == null ? null : asked.affinity(),
            prune.serviceAccount(),
            asked == null ? null : asked.priorityClassName(),
            asked == null ? null : asked.labels(),
            asked == null ? null : asked.annotations()),
        true);
  }

  @Override
  public String order(ImagePrunePolicy policy, long run, String nonce, WorkOrder.Settings decided) {
    var clean = new ImagePrunePolicy();
    clean.setMetadata(Orders.asApplied(policy));
    clean.setSpec(policy.getSpec());
    var approved = Labels.annotation(policy, ImagePrunePolicy.APPROVE_ANNOTATION);
    return Records.order(new PruneOrder(clean, run, approved, nonce, decided));
  }

  @Override
  public Optional<String> nonce(String order) {
    try {
      return Optional.of(Records.readPruneOrder(order).nonce());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public Optional<PruneReport> report(String nonce, String log) {
    return Records.lastPruneReport(nonce, log);
  }

  @Override
  public Conclusion<PruneReport> conclude(JobState.Exited end, Optional<PruneReport> report) {
    return PruneReader.read(end, report, settings.retry());
  }

  @Override
  public Follow<PruneReport> follow(
      ImagePrunePolicy policy,
      ScheduledRun run,
      Conclusion<PruneReport> pod,
      Optional<Instant> ended,
      Instant now) {
    // A run of a policy that is suspended goes on, but not by a spec that it was not accepted with.
    boolean asAccepted = SpecHash.without(policy.getSpec(), NO_INPUTS).equals(run.specHash());
    return nodes
        .map(
            sweep ->
                asAccepted
                    ? sweep.follow(policy, run, pod, ended, now)
                    : sweep.halt(policy, run, pod, now))
        .orElseGet(() -> new Follow.Done<>(pod));
  }

  @Override
  public void givenUp(ImagePrunePolicy policy) {
    nodes.ifPresent(sweep -> sweep.stop(policy));
  }

  @Override
  public ImagePrunePolicyStatus status(ImagePrunePolicy policy, Standing standing) {
    return new ImagePrunePolicyStatus(
        standing.observedGeneration(),
        standing.lastHandled(),
        standing.run(),
        before(policy).lastRun(),
        standing.next(),
        standing.conditions());
  }

  @Override
  public ImagePrunePolicyStatus finished(
      ImagePrunePolicy policy, Standing standing, Optional<PruneReport> report) {
    return new ImagePrunePolicyStatus(
        standing.observedGeneration(),
        standing.lastHandled(),
        standing.run(),
        report.map(said -> run(standing.run(), said)).orElse(before(policy).lastRun()),
        standing.next(),
        standing.conditions());
  }

  private static ImagePrunePolicyStatus.Run run(@Nullable ScheduledRun run, PruneReport said) {
    var outcome = said.outcome();
    return new ImagePrunePolicyStatus.Run(
        run == null ? 0 : run.number(),
        run == null ? null : run.startTime(),
        run == null ? null : run.completionTime(),
        outcome.dryRun(),
        outcome.planHash(),
        outcome.examined(),
        said.kept().isEmpty() ? null : said.kept(),
        outcome.deleted(),
        outcome.left(),
        outcome.failed(),
        outcome.reclaimedBytes(),
        said.report(),
        said.deletions().isEmpty() ? null : said.deletions(),
        said.warnings().isEmpty() ? null : said.warnings(),
        said.nodes());
  }

  @Override
  public void afterRun(ImagePrunePolicy policy) {
    sweep.run(policy);
    nodes.ifPresent(those -> those.tidy(policy));
  }

  @Override
  public void count(PruneReport report, MeterRegistry metrics) {
    var said = report.outcome();
    metrics.counter("kiln.prune.examined").increment(said.examined());
    if (!said.dryRun()) {
      count(metrics, "deleted", PruneReader.wasStopped(said) ? 0 : said.deleted());
      count(metrics, "left", said.left());
      count(metrics, "failed", said.failed());
      metrics
          .counter("kiln.prune.reclaimed.bytes")
          .increment(PruneReader.wasStopped(said) ? 0 : said.reclaimedBytes());
    }
    if (report.nodes() != null && !said.dryRun()) {
      count(metrics, report.nodes());
    }
  }

  private static void count(MeterRegistry metrics, ImagePrunePolicyStatus.Nodes nodes) {
    String images = "kiln.prune.node.images";
    metrics.counter(images, "result", "removed").increment(nodes.removed());
    metrics.counter(images, "result", "left").increment(nodes.left());
    metrics.counter(images, "result", "failed").increment(nodes.failedRemovals());
    metrics.counter("kiln.prune.node.reclaimed.bytes").increment(nodes.reclaimedBytes());
  }

  private static void count(MeterRegistry metrics, String result, long amount) {
    metrics.counter("kiln.prune.deletions", "result", result).increment(amount);
  }
}
