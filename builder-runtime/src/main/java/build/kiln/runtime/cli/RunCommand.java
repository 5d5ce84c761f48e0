package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.BuilderPaths;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.MirrorReport;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.NodeOutcome;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.api.work.Report;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.cli.manifest.ManifestFile;
import build.kiln.runtime.cli.manifest.OrderMaker;
import build.kiln.runtime.cli.progress.Display;
import build.kiln.runtime.cli.progress.ProgressMode;
import build.kiln.runtime.cluster.ClusterAccess;
import build.kiln.runtime.cluster.ClusterApi;
import build.kiln.runtime.node.NodeRun;
import build.kiln.runtime.prune.KubernetesUses;
import build.kiln.runtime.prune.PolicyReader;
import build.kiln.runtime.prune.PruneException;
import build.kiln.runtime.registry.Sleeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@code kiln run -f}: a resource without a cluster, and what a pod of Kiln runs. */
final class RunCommand implements Command {
  private static final long PROGRESS_INTERVAL_NANOS = 300_000_000L;

  private final ManifestOptions manifest = new ManifestOptions();
  private Path configMaps = Path.of(BuilderPaths.CONFIG_MAPS);
  private @Nullable Path workspace;
  private Path cacheVolume = Path.of(BuilderPaths.CACHE);
  private @Nullable Path terminationLog;
  private ProgressMode progress = ProgressMode.auto;
  private final PruneUseOptions prune = new PruneUseOptions();

  @Override
  public void syntax(Syntax syntax) {
    syntax.about(
        "Carries out a manifest, as a cluster would: an ImageBuild builds and pushes, an ImageMirror copies, an ImagePrunePolicy deletes, if dryRun is false.",
        "In a pod FILE is the operator's work order.");
    manifest.syntax(syntax);
    syntax
        .option(
            "--configmaps-dir=DIR",
            "ConfigMaps as folders: NAME/KEY. Those in FILE go first. Default: "
                + BuilderPaths.CONFIG_MAPS
                + ".",
            text -> configMaps = Path.of(text))
        .option(
            "--workspace=DIR",
            "Where an order's build writes. Default: "
                + BuilderPaths.WORKSPACE
                + "; a manifest's build uses the local store.",
            text -> workspace = Path.of(text))
        .option(
            "--cache-volume=DIR",
            "Where the volume of an order's cache.volume is mounted. Default: "
                + BuilderPaths.CACHE
                + ".",
            text -> cacheVolume = Path.of(text))
        .option(
            "--termination-log=FILE",
            "Where the outcome is written, in JSON. Default for an order: "
                + BuilderPaths.TERMINATION_MESSAGE
                + ".",
            text -> terminationLog = Path.of(text))
        .choice(
            "--progress=HOW",
            "${COMPLETION-CANDIDATES}; of an order always plain. Default: auto.",
            ProgressMode.class,
            value -> progress = value);
    prune.syntax(syntax);
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    Timings timings = Timings.sinceProcessStart();
    return switch (manifest.read()) {
      case ManifestFile.Order o -> runOrder(o.order(), timings);
      case ManifestFile.Manifest m -> runManifest(m, timings);
      case ManifestFile.OrderedMirror o -> runOrder(o.order());
      case ManifestFile.Mirror m -> SyncCommand.run(m, manifest, false, false);
      case ManifestFile.OrderedPrune o -> runOrder(o.order());
      case ManifestFile.Prune m -> runPolicy(m);
      case ManifestFile.OrderedNode o -> runOrder(o.order());
    };
  }

  /** In a pod: everything on standard output, the report as its last line. */
  private int runOrder(WorkOrder order, Timings timings) throws IOException {
    String nonce = order.resolved().nonce();
    Path folder = workspace == null ? Path.of(BuilderPaths.WORKSPACE) : workspace;
    var places =
        new OrderPlaces(manifest.secrets(), configMaps, folder.resolve("store"), cacheVolume, null);
    Report report;
    try (Display display = ProgressMode.plain.open(System.out, Map.of())) {
      report = new OrderRun(order, places, display, records(nonce), timings).run();
      failureText(report.outcome()).ifPresent(System.out::println);
    }
    tell(Records.report(nonce, report), Records.outcome(report.outcome()));
    return exitCode(report.outcome(), order.resolved().isolation());
  }

  /** A mirror in a pod: a line of JSON an image, the report as the last. */
  private int runOrder(MirrorOrder order) throws IOException {
    MirrorReport report =
        new MirrorOrderRun(
                order.resource().getMetadata(),
                order.resource().getSpec(),
                order.settings(),
                manifest.secrets(),
                null,
                new MirrorOutput.Lines(System.out))
            .run();
    tell(Records.report(order.nonce(), report), Records.outcome(report.outcome()));
    return MirrorOrderRun.exitCode(report.outcome()).code();
  }

  /** A policy in a pod: a line a deletion, the report as the last. */
  private int runOrder(PruneOrder order) throws IOException {
    ClusterAccess access = ClusterAccess.ofThisPod(System.getenv());
    PruneReport report;
    try (var api = new ClusterApi(access, Sleeper.system())) {
      var places = new PodPrunePlaces(order, api, System.out);
      report = new PruneOrderRun(order, manifest.secrets(), null, places).run();
    }
    tell(Records.report(order.nonce(), report), Records.outcome(report.outcome()));
    return PruneOrderRun.exitCode(report.outcome()).code();
  }

  /** A node in a pod: a line for each image that goes. */
  private int runOrder(NodeOrder order) throws IOException {
    NodeOutcome outcome;
    try (var api = new ClusterApi(ClusterAccess.ofThisPod(System.getenv()), Sleeper.system())) {
      outcome =
          new NodeRun(
                  order,
                  Path.of(BuilderPaths.CRI_SOCKET),
                  new PodNodeStore(order, api),
                  Clock.systemUTC(),
                  System.out::println)
              .run();
    }
    if (outcome.message() != null) {
      System.out.println(outcome.message());
    }
    tell(Records.outcome(outcome));
    return outcome.succeeded() ? ExitCode.OK.code() : ExitCode.INFRASTRUCTURE.code();
  }

  /** The report goes last to standard output, and the outcome to where kubelet reads it. */
  private void tell(String report, String outcome) throws IOException {
    System.out.println(report);
    tell(outcome);
  }

  private void tell(String outcome) throws IOException {
    System.out.flush();
    Files.writeString(
        terminationLog == null ? Path.of(BuilderPaths.TERMINATION_MESSAGE) : terminationLog,
        outcome);
  }

  private int runPolicy(ManifestFile.Prune read) throws CommandFailure {
    read.notes().forEach(note -> System.err.println("kiln: " + note));
    ImagePrunePolicySpec spec = read.policy().getSpec();
    if (spec.builds() != null) {
      System.err.println("kiln: builds is ignored at a desk: it is about a cluster's Jobs");
    }
    if (spec.nodes() != null) {
      System.err.println("kiln: nodes is ignored at a desk: it is about a cluster's nodes");
    }
    Desk desk = Desk.ofThisProcess();
    var order =
        new PruneOrder(read.policy(), 1, null, "none-is-needed-here", manifest.settings(desk));
    var places =
        new DeskPrunePlaces(prune, prune.use(sources(spec), spec.protect().inUse()), System.out);
    PruneOutcome outcome =
        new PruneOrderRun(order, manifest.secrets(), desk, places).run().outcome();
    if (outcome.reason() != null) {
      System.err.println("%s: %s".formatted(outcome.reason(), outcome.message()));
    }
    return PruneOrderRun.exitCode(outcome).code();
  }

  private static List<KubernetesUses.Source> sources(ImagePrunePolicySpec spec)
      throws CommandFailure {
    try {
      return PolicyReader.sources(spec);
    } catch (PruneException e) {
      throw CommandFailure.usage(String.valueOf(e.getMessage()));
    }
  }

  private int runManifest(ManifestFile.Manifest build, Timings timings)
      throws CommandFailure, IOException {
    build.notes().forEach(note -> System.err.println("kiln: " + note));
    OrderPlaces.cacheVolume(build.build().getSpec())
        .ifPresent(
            volume ->
                System.err.println(
                    "kiln: cache.volume (%s) is ignored at a desk: the local store is the cache"
                        .formatted(volume.claimName())));
    Desk desk = Desk.ofThisProcess();
    WorkOrder order = new OrderMaker().order(build, manifest.settings(desk));
    Path folder = workspace == null ? desk.store() : workspace;
    try (var maps = ConfigMapFolders.write(build.configMaps(), configMaps, folder)) {
      var places = new OrderPlaces(manifest.secrets(), maps.folder(), folder, null, desk);
      Report report;
      try (Display display = progress.open(System.err, desk.environment())) {
        report = new OrderRun(order, places, display, step -> {}, timings).run();
      }
      Outcome outcome = report.outcome();
      failureText(outcome).ifPresent(System.err::println);
      if (terminationLog != null) {
        Files.writeString(terminationLog, Records.outcome(outcome));
      }
      if (outcome.succeeded()) {
        System.out.println(outcome.image());
      }
      return exitCode(outcome, order.resolved().isolation());
    }
  }

  /** Progress records, but not more than a few a second. */
  private static Consumer<Progress> records(String nonce) {
    return new Consumer<>() {
      private long last = System.nanoTime() - PROGRESS_INTERVAL_NANOS;

      @Override
      public void accept(Progress step) {
        long now = System.nanoTime();
        if (now - last >= PROGRESS_INTERVAL_NANOS) {
          last = now;
          System.out.println(Records.progress(nonce, step));
        }
      }
    };
  }

  private static Optional<String> failureText(Outcome outcome) {
    if (outcome.succeeded()) {
      return Optional.empty();
    }
    var text = new StringBuilder();
    if (outcome.logTail() != null && !outcome.logTail().isBlank()) {
      text.append("the last output of ").append(outcome.step()).append(":\n");
      outcome.logTail().lines().forEach(line -> text.append("  > ").append(line).append('\n'));
    }
    text.append(outcome.reason()).append(": ").append(outcome.message());
    // No line of it may look like a record, whatever a step printed.
    return Optional.of("ERROR: " + text.toString().replace("\n", "\n  "));
  }

  private static int exitCode(Outcome outcome, Isolation isolation) {
    return outcome.reason() == null
        ? ExitCode.OK.code()
        : ExitCodes.of(outcome.reason(), isolation).code();
  }
}
