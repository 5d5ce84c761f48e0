package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.context.GitAccess;
import build.kiln.runtime.context.IgnoringTree;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.NotLater;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.oci.Timestamps;
import build.kiln.runtime.posix.UniqueNames;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.registry.HttpFiles;
import build.kiln.runtime.rootfs.Snapshots;
import build.kiln.runtime.sandbox.ForeignPrograms;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.store.GrowingBlob;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the stages of one build share. Thread-safe. */
final class BuildSession implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BuildSession.class);

  private final BuildEnvironment environment;
  private final BuildRequest request;
  private final StageGraph graph;
  private final GlobalArguments globals;
  private final Expansion expansion;
  private final IgnoringTree contextTree;
  private final Map<String, IgnoringTree> namedTrees;
  private final Map<String, BaseImage> images;
  private final Map<Digest, Reference> origins;
  private final Downloads downloads;
  private final BuildProgress progress;
  private final Clock clock;
  private final StepCache cache;
  private final boolean explaining;
  private final Set<Integer> inImage;
  private final Consumer<GrowingBlob> layers;
  private final Supply supply = new Supply();
  private final OptionalLong sourceDateEpoch;
  private final AtomicInteger cached = new AtomicInteger();
  private final Semaphore running =
      new Semaphore(Math.max(2, Runtime.getRuntime().availableProcessors()));
  private boolean expected;
  private boolean closed;
  private @Nullable Sandbox sandbox;
  private @Nullable Snapshots snapshots;
  private @Nullable MountFolders mountFolders;

  /**
   * The fixed things of a build, which {@link Builder} has worked out.
   *
   * @param explaining whether steps are only looked up, and nothing is done
   * @param inImage the numbers of the stages whose layers the image has
   * @param layers hears of the image's large layers while they are written
   */
  record Plan(
      StepCache cache,
      boolean explaining,
      StageGraph graph,
      GlobalArguments globals,
      Expansion expansion,
      IgnoringTree contextTree,
      Map<String, IgnoringTree> namedTrees,
      Map<String, BaseImage> images,
      Set<Integer> inImage,
      Consumer<GrowingBlob> layers) {}

  BuildSession(
      BuildEnvironment environment,
      BuildRequest request,
      Plan plan,
      Downloads downloads,
      BuildProgress progress,
      Clock clock)
      throws BuildException {
    this.environment = environment;
    this.request = request;
    this.graph = plan.graph();
    this.globals = plan.globals();
    this.expansion = plan.expansion();
    this.contextTree = plan.contextTree();
    this.namedTrees = Map.copyOf(plan.namedTrees());
    this.images = plan.images();
    this.downloads = downloads;
    this.progress = progress;
    this.clock = clock;
    this.cache = plan.cache();
    this.explaining = plan.explaining();
    this.inImage = plan.inImage();
    this.layers = plan.layers();
    this.sourceDateEpoch = sourceDateEpoch(request);
    this.origins = new ConcurrentHashMap<>();
    images.values().stream()
        .filter(image -> image.layout() == null)
        .forEach(image -> image.layers().forEach(l -> origins.put(blob(l), image.name())));
  }

  private static Digest blob(Layer layer) {
    return layer.descriptor().digest();
  }

  private static OptionalLong sourceDateEpoch(BuildRequest request) throws BuildException {
    String text = request.buildArgs().get(BuildRequest.EPOCH_ARGUMENT);
    if (text == null || text.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!text.matches("[0-9]{1,12}")) {
      throw new BuildException(
          FailureReason.SpecInvalid,
          "the build argument %s is \"%s\"; it must be seconds since 1970"
              .formatted(BuildRequest.EPOCH_ARGUMENT, text));
    }
    return OptionalLong.of(Long.parseLong(text));
  }

  LocalStore store() {
    return environment.store();
  }

  /** Files that ADD names by their URLs. */
  HttpFiles files() {
    return environment.registry().files();
  }

  /** What Git repositories that ADD names are reached with. */
  GitAccess git() {
    return environment.git();
  }

  BuildRequest request() {
    return request;
  }

  StageGraph graph() {
    return graph;
  }

  GlobalArguments globals() {
    return globals;
  }

  Expansion expansion() {
    return expansion;
  }

  /** The files of a named context. */
  CopyStep.Origin files(String context) {
    IgnoringTree tree = Objects.requireNonNull(namedTrees.get(context), context);
    return new CopyStep.Origin(
        tree,
        "the context " + context,
        null,
        Objects.requireNonNull(request.contexts().files().get(context)).epoch());
  }

  IgnoringTree contextTree() {
    return contextTree;
  }

  BuildProgress progress() {
    return progress;
  }

  StepCache cache() {
    return cache;
  }

  /** Whether steps are only looked up. */
  boolean explaining() {
    return explaining;
  }

  /** The layer of a step that was found may be only where it was found. */
  void served(StepCache.Lookup.Hit hit) {
    if (hit.origin() != null) {
      origins.putIfAbsent(hit.entry().layer().digest(), hit.origin());
    }
  }

  OptionalLong sourceDateEpoch() {
    return sourceDateEpoch;
  }

  /** Where layers of bases and of registries' caches come from. */
  Map<Digest, Reference> origins() {
    return origins;
  }

  int cachedSteps() {
    return cached.get();
  }

  void countCached() {
    cached.incrementAndGet();
  }

  /** What the build, or its context, says for all that has no time of its own. */
  OptionalLong fixedTime() {
    return sourceDateEpoch.isPresent() ? sourceDateEpoch : request.context().epoch();
  }

  /** What the build, or its context, says for the image and its history. */
  OptionalLong imageTime() {
    return sourceDateEpoch.isPresent() ? sourceDateEpoch : request.context().created();
  }

  /** The time for histories, RFC 3339: a fixed one if there is one. */
  String historyTime() {
    OptionalLong fixed = imageTime();
    return fixed.isPresent() ? Timestamps.format(Instant.ofEpochSecond(fixed.getAsLong())) : now();
  }

  /** The moment, RFC 3339. */
  String now() {
    return Timestamps.format(clock.instant().truncatedTo(ChronoUnit.MILLIS));
  }

  /** Whether the layers of a stage are the image's. */
  boolean isInImage(StagePlan plan) {
    return inImage.contains(plan.stage().number());
  }

  /** Writes what a step made; with SOURCE_DATE_EPOCH, nothing in it is later than that. */
  Layer write(LayerSource source, StageState state) throws IOException {
    LayerSource dated =
        sourceDateEpoch.isPresent() ? new NotLater(source, sourceDateEpoch.getAsLong()) : source;
    Consumer<GrowingBlob> readers = state.isInImage() ? layers : blob -> {};
    return store().layers().write(dated, request.compression(), readers);
  }

  /**
   * An image that was looked up.
   *
   * @param key see {@link build.kiln.runtime.dockerfile.StageSource.Named#key()}
   */
  BaseImage image(String key) {
    BaseImage image = images.get(key);
    if (image == null) {
      throw new IllegalStateException("image " + key + " was not looked up before");
    }
    return image;
  }

  /** The files of an image. */
  StageFiles files(BaseImage image) {
    return StageFiles.of(store(), supply, image.layers());
  }

  /** No files. */
  StageFiles noFiles() {
    return StageFiles.of(store(), supply, List.of());
  }

  /** Brings layers here that are not, side by side. */
  private final class Supply implements StageFiles.LayerSupply {
    @Override
    public void require(List<Layer> layers) throws IOException {
      Concurrently.all(missing(layers), BuildSession.this::fetch);
    }

    @Override
    public LayerPulls begin(List<Layer> layers) throws IOException {
      return new LayerPulls(store(), missing(layers), BuildSession.this::fetch);
    }

    private List<Layer> missing(List<Layer> layers) throws IOException {
      var missing = new LinkedHashSet<Layer>();
      for (Layer layer : layers) {
        if (!store().has(layer.descriptor())) {
          missing.add(layer);
        }
      }
      return List.copyOf(missing);
    }
  }

  private void fetch(Layer layer) throws IOException {
    Reference origin = origins.get(blob(layer));
    if (origin == null) {
      throw new IllegalStateException(
          "layer " + blob(layer) + " is of no base of a stage, and of no cache");
    }
    BuildProgress.Activity pulling =
        progress.internal("pulling %s of %s".formatted(blob(layer).shortHex(), origin));
    try {
      downloads.require(origin, layer.descriptor(), pulling);
      pulling.done();
    } catch (IOException e) {
      pulling.failed(e.getMessage());
      throw e;
    }
  }

  /** Whether a command of another architecture may run here; what cannot be told may. */
  boolean runs(Platform platform) throws InterruptedException {
    try {
      return ForeignPrograms.run(platform.architecture(), environment.scratch()).orElse(true);
    } catch (IOException e) {
      return true;
    }
  }

  /** Runs work that uses a core: a few at once. */
  <T> T limited(Work<T> work) throws IOException, InterruptedException, BuildException {
    running.acquire();
    try {
      return work.run();
    } finally {
      running.release();
    }
  }

  /** Something that takes a while. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws IOException, InterruptedException, BuildException;
  }

  /**
   * The sandbox, chosen on the first call.
   *
   * @throws SandboxException if none can be had
   */
  synchronized Sandbox sandbox() throws SandboxException, InterruptedException {
    if (sandbox == null) {
      sandbox = environment.sandboxes().get();
    }
    return sandbox;
  }

  /** Begins to choose the sandbox, since a step will need it soon; whoever needs it waits. */
  synchronized void expectSandbox() {
    if (sandbox == null && !expected) {
      expected = true;
      Thread.ofPlatform().daemon().name("kiln-sandbox").start(this::chooseEarly);
    }
  }

  private synchronized void chooseEarly() {
    if (!closed) {
      try {
        sandbox();
      } catch (SandboxException | InterruptedException toldToWhoNeedsIt) {
        LOG.debug("no sandbox yet: {}", toldToWhoNeedsIt.toString());
      }
    }
  }

  synchronized @Nullable Sandbox chosenSandbox() {
    return sandbox;
  }

  /** Root file systems of the kind that the sandbox takes. */
  synchronized Snapshots snapshots(Sandbox chosen) throws IOException {
    if (snapshots == null) {
      Files.createDirectories(environment.scratch());
      Path own = UniqueNames.createDirectory(environment.scratch(), "r");
      snapshots =
          chosen.overlay()
              ? Snapshots.overlay(store().layers(), own, true)
              : Snapshots.directories(store().layers(), own);
    }
    return snapshots;
  }

  /** Copies of what steps see through mounts. */
  synchronized MountFolders mountFolders() throws IOException {
    if (mountFolders == null) {
      mountFolders = MountFolders.create(environment.scratch());
    }
    return mountFolders;
  }

  @Override
  public synchronized void close() throws IOException {
    closed = true;
    try {
      if (snapshots != null) {
        snapshots.close();
      }
    } finally {
      if (mountFolders != null) {
        mountFolders.close();
      }
    }
  }
}
