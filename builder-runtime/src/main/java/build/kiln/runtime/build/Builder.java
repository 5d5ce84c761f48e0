package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.build.StageRunner.BuiltStage;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.check.Finding;
import build.kiln.runtime.context.IgnoreFiles;
import build.kiln.runtime.context.IgnoringTree;
import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Expansion;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.PredefinedArguments;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Unsupported;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.sandbox.Sandbox;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Builds an image from a Dockerfile and a context. The way of a build: the Dockerfile becomes a
 * graph of stages ({@link StageGraph}); the bases of those that the target needs are looked up;
 * every such stage runs on a thread of its own ({@link StageRunner}) and waits for those it takes
 * from; the target's layers and configuration become a manifest in the local store. For one build.
 */
public final class Builder {
  private final BuildEnvironment environment;
  private final Clock clock;
  private final StepCache cache;
  private volatile @Nullable Sandbox sandbox;

  public Builder(BuildEnvironment environment) {
    this(environment, Clock.systemUTC(), StepCache.local(environment.store(), ""));
  }

  /**
   * @param clock for the times in the image's history
   * @param cache for this build alone
   */
  public Builder(BuildEnvironment environment, Clock clock, StepCache cache) {
    this.environment = environment;
    this.clock = clock;
    this.cache = cache;
  }

  /** Brings a built image to where it is wanted. */
  @FunctionalInterface
  public interface Delivery {
    /**
     * @return the repositories that have the image's layers now
     */
    List<Reference> deliver(BuildResult result)
        throws BuildException, InterruptedException, IOException;
  }

  /**
   * Builds; blocks until all is done. An interrupt ends every step first.
   *
   * @throws BuildException if the image cannot be built; the local store is as good as before
   */
  public BuildResult build(BuildRequest request, BuildProgress progress)
      throws BuildException, InterruptedException {
    return build(request, progress, result -> List.of());
  }

  /**
   * Builds, delivers, and writes the registries' caches. Where such a cache has promised a layer
   * that cannot be had, all is done once more without it.
   *
   * @throws BuildException if the image cannot be built or delivered
   */
  public BuildResult build(BuildRequest request, BuildProgress progress, Delivery delivery)
      throws BuildException, InterruptedException {
    cache.onWarning(text -> progress.warn(text, null));
    BuildResult result;
    List<Reference> delivered;
    try {
      result = guarded(() -> image(request, progress));
      delivered = delivered(result, delivery);
    } catch (BuildException e) {
      if (!isLostLayer(e) || !cache.withdraw()) {
        throw e;
      }
      progress.warn(
          "the cache has no good layers for what it lists, building without it: "
              + Failures.message(e),
          null);
      result = guarded(() -> image(request, progress));
      delivered = delivered(result, delivery);
    }
    new CacheExport(environment, cache, progress).write(result, delivered);
    return result;
  }

  private static List<Reference> delivered(BuildResult result, Delivery delivery)
      throws BuildException, InterruptedException {
    return guarded(() -> delivery.deliver(result));
  }

  /** Whether something was wrong with a layer's blob; the cache knows whether it gave any. */
  private static boolean isLostLayer(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof LostLayer || e instanceof LayerException) {
        return true;
      }
    }
    return false;
  }

  /**
   * Looks every step up and does none. What a step depends on is not known after one that is not in
   * the cache; that is then its reason.
   *
   * @param progress hears of every step, with the reason where it is not in the cache
   */
  public void explain(BuildRequest request, BuildProgress progress)
      throws BuildException, InterruptedException {
    cache.onWarning(text -> progress.warn(text, null));
    guarded(() -> steps(request, progress, true, (session, built, steps, pulled) -> built));
  }

  private BuildResult image(BuildRequest request, BuildProgress progress)
      throws IOException, BuildException, InterruptedException {
    return steps(request, progress, false, Assembly::assemble);
  }

  /** What is made of a target stage that is built. */
  @FunctionalInterface
  private interface Ending<T> {
    T of(BuildSession session, BuiltStage built, int steps, long pulledBytes) throws IOException;
  }

  private static <T> T guarded(BuildSession.Work<T> work)
      throws BuildException, InterruptedException {
    try {
      return work.run();
    } catch (DockerfileException e) {
      throw new BuildException(FailureReason.DockerfileInvalid, e.render(), e);
    } catch (OciException e) {
      throw Failures.other("build", e);
    } catch (IOException e) {
      if (Failures.isInterrupt(e)) {
        throw new InterruptedException("the build was ended");
      }
      throw Failures.other("build", e);
    }
  }

  /**
   * Applies the build checks and builds nothing. Of bases only the configuration is looked at; what
   * needs one that cannot be had is not checked.
   *
   * @throws BuildException if the Dockerfile is not valid
   */
  public List<Finding> check(BuildRequest request, BuildProgress progress) throws BuildException {
    try {
      Dockerfile dockerfile = dockerfile(request, progress);
      Map<String, String> predefined = platformArguments(request, dockerfile);
      GlobalArguments globals =
          GlobalArguments.resolve(dockerfile, predefined, request.buildArgs());
      StageGraph graph = StageGraph.of(dockerfile, globals);
      IgnoreFile ignored = ignored(request, progress);
      var downloads = new Downloads(environment.store(), environment.registry());
      var images = new BaseImages(environment, downloads, request.platform(), request.pull());
      var found = new LinkedHashMap<String, BaseImage>();
      for (StageGraph.Vertex vertex : graph.vertices()) {
        if (vertex.base() instanceof StageSource.Named base
            && !found.containsKey(base.name().text())) {
          try {
            found.put(base.name().text(), lookUp(images, graph, base.name(), progress));
          } catch (BuildException e) {
            progress.warn(
                base.name().range()
                    + ": variables of the stage are not checked, since the base "
                    + base.name()
                    + " cannot be looked at",
                null);
          }
        }
      }
      return new BuildChecks(request, dockerfile, predefined).run(graph, globals, ignored, found);
    } catch (DockerfileException e) {
      throw new BuildException(FailureReason.DockerfileInvalid, e.render(), e);
    } catch (IOException e) {
      throw Failures.other("check the Dockerfile", e);
    }
  }

  /** The sandbox that RUN steps got, if one was needed so far. */
  public Optional<Sandbox> sandbox() {
    return Optional.ofNullable(sandbox);
  }

  private <T> T steps(
      BuildRequest request, BuildProgress progress, boolean explaining, Ending<T> ending)
      throws IOException, BuildException, InterruptedException {
    Dockerfile dockerfile = dockerfile(request, progress);
    GlobalArguments globals =
        GlobalArguments.resolve(
            dockerfile, platformArguments(request, dockerfile), request.buildArgs());
    StageGraph graph = StageGraph.of(dockerfile, globals);
    Stage target = request.target() == null ? graph.lastStage() : graph.target(request.target());
    List<Stage> stages = graph.reachable(target);
    checkSupport(request, graph, stages);
    warnOfUnusedArguments(request, dockerfile, progress);
    IgnoreFile ignored = ignored(request, progress);
    IgnoringTree contextTree = IgnoringTree.of(request.context().tree(), ignored);
    var downloads = new Downloads(environment.store(), environment.registry(), cache::hasServed);
    Map<String, BaseImage> images = lookUpImages(request, graph, stages, downloads, progress);
    var checks = new BuildChecks(request, dockerfile, platformArguments(request, dockerfile));
    checks.warn(checks.run(graph, globals, ignored, images), progress);
    List<StagePlan> plans = plans(dockerfile, graph, stages, images);
    progress.planned(plans.stream().mapToInt(StagePlan::steps).sum());
    var fixed =
        new BuildSession.Plan(
            cache,
            explaining,
            graph,
            globals,
            Expansion.of(dockerfile.directives().escape()),
            contextTree,
            images);
    try (var session = new BuildSession(environment, request, fixed, downloads, progress, clock)) {
      try {
        BuiltStage built = new StageThreads(session, plans).run(target.number());
        return ending.of(
            session, built, plans.stream().mapToInt(StagePlan::steps).sum(), downloads.bytes());
      } finally {
        sandbox = session.chosenSandbox();
      }
    }
  }

  private static Dockerfile dockerfile(BuildRequest request, BuildProgress progress) {
    BuildProgress.Activity loading =
        progress.internal("[internal] load build definition from " + request.dockerfile().name());
    try {
      Dockerfile dockerfile = Dockerfile.parse(request.dockerfile());
      loading.done();
      return dockerfile;
    } catch (DockerfileException e) {
      loading.failed(e.getMessage());
      throw e;
    }
  }

  private static Map<String, String> platformArguments(
      BuildRequest request, Dockerfile dockerfile) {
    Map<String, String> values = new HashMap<>();
    add(values, "BUILD", Platform.host());
    add(values, "TARGET", request.platform());
    Optional<String> last = Optional.of(dockerfile.stages().getLast()).flatMap(Stage::name);
    String target = request.target();
    values.put("TARGETSTAGE", target == null ? last.orElse("default") : target);
    values.keySet().retainAll(PredefinedArguments.PLATFORM);
    return values;
  }

  private static void add(Map<String, String> values, String prefix, Platform platform) {
    values.put(prefix + "PLATFORM", platform.toString());
    values.put(prefix + "OS", platform.os());
    values.put(prefix + "ARCH", platform.architecture());
    values.put(prefix + "VARIANT", platform.variant() == null ? "" : platform.variant());
  }

  private void checkSupport(BuildRequest request, StageGraph graph, List<Stage> stages)
      throws BuildException {
    Unsupported.check(stages);
    for (Stage stage : stages) {
      Unsupported.checkPlatform(
          graph.vertex(stage).from(), text -> request.platform().accepts(Platform.parse(text)));
      for (Instruction instruction : stage.instructions()) {
        if (instruction instanceof Instruction.Run && !environment.sandboxes().canRun()) {
          throw noRun(instruction);
        }
      }
    }
  }

  private static BuildException noRun(Instruction instruction) {
    var problem =
        new Problem(
            Problem.Code.UNSUPPORTED,
            instruction.origin().keyword(),
            "RUN cannot be isolated here (isolation NoRun)",
            "remove the RUN steps, or build where Namespaces or Chroot are possible");
    return new BuildException(FailureReason.IsolationUnavailable, problem.render());
  }

  private static void warnOfUnusedArguments(
      BuildRequest request, Dockerfile dockerfile, BuildProgress progress) {
    Set<String> unused = new TreeSet<>(request.buildArgs().keySet());
    unused.removeIf(PredefinedArguments::isProxy);
    unused.removeAll(PredefinedArguments.PLATFORM);
    unused.removeIf(name -> name.equals("SOURCE_DATE_EPOCH") || name.startsWith("BUILDKIT_"));
    var declarations = new ArrayList<Instruction>(dockerfile.globalArgs());
    dockerfile.stages().forEach(stage -> declarations.addAll(stage.instructions()));
    for (Instruction instruction : declarations) {
      if (instruction instanceof Instruction.Arg arg) {
        arg.declarations().forEach(d -> unused.remove(d.name()));
      }
    }
    if (!unused.isEmpty()) {
      progress.warn(
          "no ARG of the Dockerfile takes the build arguments " + String.join(", ", unused), null);
    }
  }

  private static IgnoreFile ignored(BuildRequest request, BuildProgress progress)
      throws IOException {
    BuildProgress.Activity loading = progress.internal("[internal] load .dockerignore");
    SourceFile own = request.ignoreFile();
    try {
      IgnoreFile ignored =
          own == null
              ? IgnoreFiles.of(request.context(), request.dockerfilePath())
              : IgnoreFile.parse(own);
      loading.done();
      return ignored;
    } catch (IOException | DockerfileException e) {
      loading.failed(e.getMessage());
      throw e;
    }
  }

  /** Looks up the images that stages are based on or copy from, by the names in the Dockerfile. */
  private Map<String, BaseImage> lookUpImages(
      BuildRequest request,
      StageGraph graph,
      List<Stage> stages,
      Downloads downloads,
      BuildProgress progress)
      throws BuildException {
    var words = new LinkedHashMap<String, Word>();
    for (Stage stage : stages) {
      if (graph.vertex(stage).base() instanceof StageSource.Named base) {
        words.putIfAbsent(base.name().text(), base.name());
      }
      for (Instruction instruction : stage.instructions()) {
        for (Word from : instruction.froms()) {
          if (graph.resolve(from) instanceof StageSource.Named named) {
            words.putIfAbsent(named.name().text(), named.name());
          }
        }
      }
    }
    var images = new BaseImages(environment, downloads, request.platform(), request.pull());
    var found = new LinkedHashMap<String, BaseImage>();
    for (Word word : words.values()) {
      found.put(word.text(), lookUp(images, graph, word, progress));
    }
    return found;
  }

  private static BaseImage lookUp(
      BaseImages images, StageGraph graph, Word word, BuildProgress progress)
      throws BuildException {
    BuildProgress.Activity loading =
        progress.internal("[internal] load metadata for " + word.text());
    try {
      BaseImage image = images.find(word.text(), loading);
      loading.done();
      return image;
    } catch (BuildException e) {
      loading.failed(e.getMessage());
      String hint =
          graph.nearestStage(word.text()).map(n -> "did you mean stage " + n + "?").orElse(null);
      throw new BuildException(
          e.reason(),
          new Problem(Problem.Code.BAD_ARGUMENT, word.range(), Failures.message(e), hint).render(),
          e);
    }
  }

  private static List<StagePlan> plans(
      Dockerfile dockerfile, StageGraph graph, List<Stage> stages, Map<String, BaseImage> images) {
    var plans = new ArrayList<StagePlan>();
    for (Stage stage : stages) {
      StageSource base = graph.vertex(stage).base();
      BaseImage image =
          base instanceof StageSource.Named named ? images.get(named.name().text()) : null;
      List<Instruction> instructions = new ArrayList<>(triggers(base, image));
      instructions.addAll(stage.instructions());
      String label = dockerfile.stages().size() == 1 ? "" : stage.displayName();
      plans.add(new StagePlan(stage, base, image, instructions, label));
    }
    return plans;
  }

  private static List<Instruction> triggers(StageSource base, @Nullable BaseImage image) {
    if (base instanceof StageSource.OfStage parent) {
      return parent.stage().instructions().stream()
          .filter(Instruction.Onbuild.class::isInstance)
          .map(i -> ((Instruction.Onbuild) i).instruction())
          .toList();
    }
    if (image == null || image.config().config() == null) {
      return List.of();
    }
    List<String> texts = image.config().config().onBuild();
    return texts == null
        ? List.of()
        : texts.stream()
            .map(text -> Dockerfile.parseTrigger("ONBUILD of " + image.name(), text))
            .toList();
  }
}
