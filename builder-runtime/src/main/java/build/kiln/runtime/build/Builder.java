package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.build.StageRunner.BuiltStage;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.check.Finding;
import build.kiln.runtime.context.BuildContext;
import build.kiln.runtime.context.IgnoreFiles;
import build.kiln.runtime.context.IgnoringTree;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Unsupported;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.store.GrowingBlob;
import java.io.IOException;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Builds an image from a Dockerfile and a context. The way of a build: the Dockerfile becomes a
 * graph of stages ({@link StageGraph}); the bases of those that the target needs are looked up;
 * every such stage runs on a thread of its own ({@link StageRunner}) and waits for those it takes
 * from; the target's layers and configuration become a manifest in the local store. For one build.
 */
public final class Builder {
  /** So often; what was damaged by one cause is met in several places, one after the other. */
  private static final int RECOVERIES = 10;

  private final BuildEnvironment environment;
  private final Clock clock;
  private final StepCache cache;
  private volatile @Nullable Sandbox sandbox;
  private Consumer<GrowingBlob> layers = blob -> {};
  private Runnable look = () -> {};

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

  /**
   * Sends the image's large layers while they are written; what the push then finds sent, it need
   * not send. And looks up what the names point at meanwhile, unless nothing is to be taken from a
   * cache: then each blob is asked for, which mends a repository that has lost some.
   *
   * @param names that the push will give; layers go to the repository of the first
   */
  public Builder sending(ImagePusher pusher, List<Reference> names) {
    layers = blob -> pusher.sendEarly(names.getFirst(), blob);
    look = () -> pusher.lookEarly(names);
    return this;
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
   * that cannot be had, or the local store turns out to be damaged, all is done again without.
   *
   * @throws BuildException if the image cannot be built or delivered
   */
  public BuildResult build(BuildRequest request, BuildProgress progress, Delivery delivery)
      throws BuildException, InterruptedException {
    cache.onWarning(text -> progress.warn(text, null));
    if (request.cache()) {
      look.run();
    }
    BuildResult result;
    List<Reference> delivered;
    for (int again = RECOVERIES; ; again--) {
      try {
        result = guarded(() -> image(request, progress));
        delivered = delivered(result, delivery);
        break;
      } catch (BuildException e) {
        if (again == 0 || !recovers(e, progress)) {
          throw e;
        }
      }
    }
    new CacheExport(environment, cache, progress).write(result, delivered);
    return result;
  }

  private static List<Reference> delivered(BuildResult result, Delivery delivery)
      throws BuildException, InterruptedException {
    return guarded(() -> delivery.deliver(result));
  }

  /**
   * Whether a failure may have come of what a cache or the local store gave, and that is out of the
   * way now.
   */
  private boolean recovers(BuildException failure, BuildProgress progress) {
    if (isLostLayer(failure) && cache.withdraw()) {
      progress.warn(
          "the cache has no good layers for what it lists, building without it: "
              + Failures.message(failure),
          null);
      return true;
    }
    boolean mended = failure.getCause() instanceof DamagedBlob;
    if (!mended && Failures.removeDamaged(failure, environment.store()).isEmpty()) {
      return false;
    }
    progress.warn("the local store was damaged and has been mended, building again", null);
    cache.again();
    return true;
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
      Planning planning = Planning.of(request, progress);
      StageGraph graph = planning.graph();
      IgnoreFile ignored = planning.ignored(progress);
      var downloads = new Downloads(environment.store(), environment.registry());
      var images = BaseImages.of(request, environment, downloads);
      StagePlans.Finder finder = StagePlans.finder(graph, images, progress);
      var found = new LinkedHashMap<String, BaseImage>();
      for (StageGraph.Vertex vertex : graph.vertices()) {
        if (vertex.base() instanceof StageSource.Named base && !found.containsKey(base.key())) {
          try {
            finder.find(base).ifPresent(image -> found.put(base.key(), image));
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
      return planning.checks().run(graph, planning.globals(), ignored, found);
    } catch (DockerfileException e) {
      throw new BuildException(FailureReason.DockerfileInvalid, e.render(), e);
    } catch (IOException e) {
      throw Failures.other("check the Dockerfile", e);
    }
  }

  /**
   * Tells what a build would do, and does none of it. Of images only manifest and configuration are
   * looked at; one that cannot be had is a part of the picture.
   *
   * @param whole whether the result is wanted with all its layers, as an archive has them
   * @throws BuildException if the Dockerfile is not valid
   */
  public BuildGraph graph(BuildRequest request, BuildProgress progress, boolean whole)
      throws BuildException, InterruptedException {
    return guarded(
        () -> {
          Planning planning = Planning.of(request, progress);
          StageGraph graph = planning.graph();
          Unsupported.check(graph.reachable(planning.target()));
          planning.warnOfUnusedArguments(progress);
          var downloads = new Downloads(environment.store(), environment.registry());
          var images = BaseImages.of(request, environment, downloads);
          StagePlans.Finder finder = StagePlans.finder(graph, images, progress);
          var problems = new LinkedHashMap<String, String>();
          StagePlans plans = StagePlans.of(planning, named -> found(finder, named, problems));
          Unsupported.check(plans.stages());
          return new GraphMaker(environment.store(), planning, plans, problems, whole).make();
        });
  }

  private static Optional<BaseImage> found(
      StagePlans.Finder finder, StageSource.Named named, Map<String, String> problems)
      throws BuildException {
    try {
      return finder.find(named);
    } catch (BuildException e) {
      if (e.reason() == FailureReason.DockerfileInvalid) {
        throw e;
      }
      // The cause says it without the place, which the picture has.
      problems.put(named.key(), Failures.message(e.getCause() == null ? e : e.getCause()));
      return Optional.empty();
    }
  }

  /** The sandbox that RUN steps got, if one was needed so far. */
  public Optional<Sandbox> sandbox() {
    return Optional.ofNullable(sandbox);
  }

  private <T> T steps(
      BuildRequest request, BuildProgress progress, boolean explaining, Ending<T> ending)
      throws IOException, BuildException, InterruptedException {
    Planning planning = Planning.of(request, progress);
    StageGraph graph = planning.graph();
    List<Stage> reachable = graph.reachable(planning.target());
    Unsupported.check(reachable);
    checkRuns(reachable.stream().flatMap(stage -> stage.instructions().stream()));
    planning.warnOfUnusedArguments(progress);
    IgnoreFile ignored = planning.ignored(progress);
    IgnoringTree contextTree = IgnoringTree.of(request.context().tree(), ignored);
    var downloads = new Downloads(environment.store(), environment.registry(), cache::hasServed);
    var images = BaseImages.of(request, environment, downloads);
    StagePlans plans = StagePlans.of(planning, StagePlans.finder(graph, images, progress));
    // Again, since triggers of bases may be RUN steps and may need more stages.
    Unsupported.check(plans.stages());
    checkRuns(plans.plans().stream().flatMap(plan -> plan.instructions().stream()));
    BuildChecks checks = planning.checks();
    checks.warn(checks.run(graph, planning.globals(), ignored, plans.images()), progress);
    for (BaseImage image : plans.images().values()) {
      image.copyLayers(environment.store());
    }
    progress.planned(plans.steps());
    var fixed =
        new BuildSession.Plan(
            cache,
            explaining,
            graph,
            planning.globals(),
            planning.expansion(),
            contextTree,
            namedTrees(request),
            plans.images(),
            plans.inImageOf(planning.target()),
            layers);
    try (var session = new BuildSession(environment, request, fixed, downloads, progress, clock)) {
      try {
        BuiltStage built = new StageThreads(session, plans.plans()).run(planning.target().number());
        return ending.of(session, built, plans.steps(), downloads.bytes());
      } finally {
        sandbox = session.chosenSandbox();
      }
    }
  }

  /** Each with its own ignore file. */
  private static Map<String, IgnoringTree> namedTrees(BuildRequest request) throws IOException {
    Map<String, IgnoringTree> trees = new HashMap<>();
    for (Map.Entry<String, BuildContext> entry : request.contexts().files().entrySet()) {
      IgnoreFile ignored = IgnoreFiles.of(entry.getValue(), null);
      trees.put(entry.getKey(), IgnoringTree.of(entry.getValue().tree(), ignored));
    }
    return trees;
  }

  private void checkRuns(Stream<Instruction> instructions) throws BuildException {
    if (!environment.sandboxes().canRun()) {
      Optional<Instruction> run =
          instructions.filter(Instruction.Run.class::isInstance).findFirst();
      if (run.isPresent()) {
        throw noRun(run.get());
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
}
