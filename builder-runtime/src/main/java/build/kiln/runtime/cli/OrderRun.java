package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageBuildSpec.Cache;
import build.kiln.api.v1alpha1.ImageBuildSpec.CacheMode;
import build.kiln.api.v1alpha1.ImageBuildSpec.CompressionType;
import build.kiln.api.v1alpha1.ImageBuildSpec.LayerCompression;
import build.kiln.api.v1alpha1.ImageBuildSpec.Reproducible;
import build.kiln.api.v1alpha1.ImageBuildSpec.Source;
import build.kiln.api.v1alpha1.ImageBuildSpec.VolumeCache;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Report;
import build.kiln.api.work.WorkOrder;
import build.kiln.runtime.build.BuildContexts;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.BuildException;
import build.kiln.runtime.build.BuildException.FailedStep;
import build.kiln.runtime.build.BuildListener;
import build.kiln.runtime.build.BuildProgress;
import build.kiln.runtime.build.BuildRequest;
import build.kiln.runtime.build.BuildResult;
import build.kiln.runtime.build.Builder;
import build.kiln.runtime.build.ImagePusher;
import build.kiln.runtime.cache.RegistryCache;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.cache.StepCache.Mode;
import build.kiln.runtime.cache.StepCache.Target;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.EmptyContext;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.sandbox.Sandbox;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.io.IOException;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Carries out a work order: context, build, push, and what came of it. For one order. */
final class OrderRun {
  private static final int MAX_DOCKERFILE = 4 * 1024 * 1024;
  private static final String DEFAULT_DOCKERFILE = "Dockerfile";

  private final WorkOrder order;
  private final OrderPlaces places;
  private final BuildListener display;
  private final Steps steps;
  private final Timings timings;
  private @Nullable String revision;
  private @Nullable BuildResult built;
  private long pushedBytes;
  private @Nullable Sandbox sandbox;

  /**
   * @param onProgress hears of every step that starts
   */
  OrderRun(
      WorkOrder order,
      OrderPlaces places,
      BuildListener display,
      Consumer<Progress> onProgress,
      Timings timings) {
    this.order = order;
    this.places = places;
    this.display = display;
    this.steps = new Steps(onProgress);
    this.timings = timings;
  }

  /** Does it, and tells how it went; whatever goes wrong is part of the report. */
  Report run() {
    Outcome outcome;
    try {
      Reference image = buildAndPush();
      outcome = succeeded(image);
    } catch (BuildException e) {
      outcome = failed(e.reason(), e.getMessage(), e.step());
    } catch (InterruptedException e) {
      outcome =
          failed(
              FailureReason.Infrastructure,
              "the builder was told to stop before it was done; a new attempt may succeed",
              null);
    } catch (OutOfMemoryError e) {
      // Not of the heap, with which the JVM ends at once: of direct buffers, or threads.
      outcome = failed(FailureReason.OutOfMemory, "the builder is out of memory: " + e, null);
    } catch (RuntimeException | Error e) {
      e.printStackTrace();
      outcome =
          failed(
              FailureReason.Infrastructure,
              "the builder broke: " + e + "; this is a bug, please report it with the pod's log",
              null);
    }
    return new Report(
        outcome,
        Platform.host().toString(),
        revision,
        steps.finished(),
        timings.phases(),
        Timings.peakMemory());
  }

  private ImageBuildSpec spec() {
    return order.resource().getSpec();
  }

  private Reference buildAndPush() throws BuildException, InterruptedException {
    Reference output = allowed("output.image", spec().output().image());
    var progress = new BuildProgress(BuildListener.all(List.of(display, steps, this::timePhases)));
    Engine.Setup setup = places.setup(order);
    VolumeCache spec = OrderPlaces.cacheVolume(spec()).orElse(null);
    if (setup.work() == null || spec == null) {
      return buildAndPush(output, setup, progress);
    }
    Engine.Setup without = setup.in(places.store(), null);
    var volume = new CacheVolume(setup.store(), spec, progress);
    if (!volume.isUsable()) {
      return buildAndPush(output, without, progress);
    }
    try {
      Reference image = buildAndPush(output, setup, progress);
      evict(volume);
      return image;
    } catch (BuildException e) {
      evict(volume);
      if (e.reason() != FailureReason.DiskFull) {
        throw e;
      }
      progress.warn(
          "there is no room left, building without the cache's volume: " + e.getMessage());
      return buildAndPush(output, without, progress);
    }
  }

  private void evict(CacheVolume volume) {
    volume.evict();
    timings.ended("eviction");
  }

  private Reference buildAndPush(Reference output, Engine.Setup setup, BuildProgress progress)
      throws BuildException, InterruptedException {
    try (Engine engine = Engine.open(setup);
        BuildContext context = openSource(engine);
        OrderContexts named = OrderContexts.open(order, places, engine.store())) {
      revision = context.revision().orElse(null);
      BuildRequest request = request(context, named.contexts());
      List<Reference> names = names(output, revision);
      timings.ended("source");
      StepCache cache = cache(engine, request.platform());
      var builder = new Builder(engine.environment(), Clock.systemUTC(), cache);
      BuildResult result;
      try (var pusher = new ImagePusher(engine.store(), engine.registry())) {
        result =
            builder
                .sending(pusher, names)
                .build(request, progress, image -> push(pusher, image, names, progress));
      } finally {
        sandbox = builder.sandbox().orElse(null);
        timings.ended(built == null ? "steps" : "cache");
      }
      return output.withDigest(result.descriptor().digest());
    } catch (IOException e) {
      throw BuildException.of("build", e);
    }
  }

  private BuildContext openSource(Engine engine) throws BuildException {
    Source source = spec().source();
    return source == null
        ? new EmptyContext()
        : places.openContext(
            source, "source", order.resolved().revision(), engine.store(), order.settings());
  }

  private List<Reference> push(
      ImagePusher pusher, BuildResult image, List<Reference> names, BuildProgress progress)
      throws BuildException, InterruptedException {
    timings.ended("steps");
    built = image;
    try {
      ImagePusher.Pushed pushed = pusher.push(image, names, progress);
      pushedBytes = pushed.pushedBytes();
      return List.of(names.getFirst());
    } finally {
      timings.ended("push");
    }
  }

  /** The local store, and what the spec says besides. */
  private StepCache cache(Engine engine, Platform platform) throws BuildException {
    ObjectMeta metadata = order.resource().getMetadata();
    String name =
        Objects.requireNonNullElse(metadata.getNamespace(), "") + "/" + metadata.getName();
    Cache cache = spec().cache();
    if (cache == null || cache.registry() == null || cache.disabled()) {
      return StepCache.local(engine.store(), name);
    }
    Reference repository = allowed("cache.registry.repository", cache.registry().repository());
    var registry =
        new RegistryCache(engine.registry(), repository, name, platform, Clock.systemUTC());
    Mode mode = cache.mode() == CacheMode.min ? Mode.min : Mode.max;
    return new StepCache(
        engine.store(), name, List.of(registry), List.of(new Target(registry, mode)));
  }

  private void timePhases(BuildEvent event) {
    if (event instanceof BuildEvent.Planned) {
      timings.ended("base");
    }
  }

  /** A repository that the installation allows to push to. */
  private Reference allowed(String field, String text) throws BuildException {
    try {
      Reference output = Reference.parse(text);
      if (!Patterns.allowing(order.settings().allowedOutputs()).test(output)) {
        throw new BuildException(
            FailureReason.RegistryNotAllowed,
            "the installation does not allow this build to push to %s (%s); allowed are %s"
                .formatted(output.name(), field, order.settings().allowedOutputs()));
      }
      return output;
    } catch (OciException e) {
      throw new BuildException(FailureReason.SpecInvalid, field + ": " + e.getMessage(), e);
    }
  }

  private List<Reference> names(Reference output, @Nullable String commit) throws BuildException {
    try {
      return order.resolved().tags().stream()
          .map(tag -> output.withTag(withCommit(tag, commit)))
          .toList();
    } catch (OciException e) {
      throw new BuildException(FailureReason.SpecInvalid, "output.tags: " + e.getMessage(), e);
    }
  }

  private static String withCommit(String tag, @Nullable String commit) {
    return commit == null
        ? tag
        : tag.replace("{{git.sha}}", commit).replace("{{git.shortSha}}", commit.substring(0, 7));
  }

  private BuildRequest request(BuildContext context, BuildContexts named)
      throws BuildException, IOException {
    ImageBuildSpec spec = spec();
    String inline = spec.dockerfile() == null ? null : spec.dockerfile().inline();
    String path =
        Optional.ofNullable(spec.dockerfile())
            .flatMap(d -> Optional.ofNullable(d.path()))
            .orElse(DEFAULT_DOCKERFILE);
    SourceFile dockerfile =
        inline == null ? dockerfile(context, path) : SourceFile.of(DEFAULT_DOCKERFILE, inline);
    Map<String, String> buildArgs = places.buildArgs(spec, order.resolved().buildArgs());
    if (spec.reproducible() != null) {
      buildArgs.put(BuildRequest.EPOCH_ARGUMENT, sourceDateEpoch(spec.reproducible(), context));
    }
    return new BuildRequest(
        dockerfile,
        inline == null ? path : null,
        null,
        context,
        spec.target(),
        buildArgs,
        Optional.ofNullable(order.settings().proxies()).orElse(Map.of()),
        Platform.host(),
        spec.cache() == null || !spec.cache().disabled(),
        true,
        compression(spec.output().compression()),
        Optional.ofNullable(spec.output().labels()).orElse(Map.of()),
        Optional.ofNullable(spec.output().annotations()).orElse(Map.of()),
        places.buildSecrets(spec),
        named);
  }

  private static String sourceDateEpoch(Reproducible reproducible, BuildContext context)
      throws BuildException {
    OptionalLong seconds = reproducible.seconds();
    if (seconds.isEmpty()) {
      // The CRD's rules see to it that there is a commit.
      seconds = context.created();
    }
    if (seconds.isEmpty()) {
      throw new BuildException(
          FailureReason.SpecInvalid,
          "reproducible.sourceDateEpoch is commit, which only a source.git has: write the seconds since 1970");
    }
    return Long.toString(seconds.getAsLong());
  }

  private static SourceFile dockerfile(BuildContext context, String path)
      throws BuildException, IOException {
    byte[] text =
        context
            .read(path, MAX_DOCKERFILE)
            .orElseThrow(
                () ->
                    new BuildException(
                        FailureReason.SourceNotFound,
                        "the source has no file \"%s\"; name the Dockerfile in dockerfile.path, or write it in dockerfile.inline"
                            .formatted(path)));
    return SourceFile.of(path, text);
  }

  private static Compression compression(@Nullable LayerCompression wanted) {
    if (wanted == null) {
      return Compression.GZIP;
    }
    int level = wanted.level() == null ? 0 : wanted.level();
    return new Compression(
        wanted.type() == CompressionType.zstd ? Compression.Type.ZSTD : Compression.Type.GZIP,
        level);
  }

  private Outcome succeeded(Reference image) {
    return outcome(true, null, null, null, image.toString(), String.valueOf(image.digest()));
  }

  private Outcome failed(
      FailureReason reason, @Nullable String message, @Nullable FailedStep step) {
    return outcome(false, reason, message, step, null, null);
  }

  private Outcome outcome(
      boolean succeeded,
      @Nullable FailureReason reason,
      @Nullable String message,
      @Nullable FailedStep step,
      @Nullable String image,
      @Nullable String digest) {
    return new Outcome(
        succeeded,
        reason,
        message,
        step == null ? null : step.instruction(),
        step == null ? null : step.exitCode(),
        step == null ? null : step.logTail(),
        image,
        digest,
        built == null ? steps.planned() : built.steps(),
        built == null ? 0 : built.cached(),
        isolation(),
        built == null ? 0 : built.pulledBytes(),
        pushedBytes);
  }

  /**
   * What a RUN got; a build that needed none got nothing, except where nothing else is possible.
   */
  private IsolationReport isolation() {
    Isolation requested = spec().isolation();
    if (sandbox != null) {
      return new IsolationReport(requested, sandbox.tier(), sandbox.description());
    }
    return order.resolved().isolation() == Isolation.NoRun
        ? new IsolationReport(requested, Isolation.NoRun, "no RUN can be had in this pod")
        : new IsolationReport(requested, null, "no RUN step had to run");
  }
}
