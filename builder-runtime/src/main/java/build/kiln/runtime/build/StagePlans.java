package build.kiln.runtime.build;

import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Word;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The stages that a target needs, and the images that they are based on or copy from.
 *
 * @param plans in the Dockerfile's order
 * @param images by {@link StageSource.Named#key()}; one that was not found is not in it
 */
record StagePlans(List<StagePlan> plans, Map<String, BaseImage> images) {
  StagePlans {
    plans = List.copyOf(plans);
    images = Map.copyOf(images);
  }

  /** Looks an image up that the Dockerfile names. */
  @FunctionalInterface
  interface Finder {
    /**
     * @return empty if it is to be done without
     */
    Optional<BaseImage> find(StageSource.Named named) throws BuildException;
  }

  /** How many steps there are in all. */
  int steps() {
    return plans.stream().mapToInt(StagePlan::steps).sum();
  }

  /** The numbers of the stages whose layers the image of a stage has: its own, and its bases'. */
  Set<Integer> inImageOf(Stage target) {
    var numbers = new HashSet<Integer>();
    var byNumber = new HashMap<Integer, StagePlan>();
    plans.forEach(plan -> byNumber.put(plan.stage().number(), plan));
    @Nullable StagePlan at = byNumber.get(target.number());
    while (at != null && numbers.add(at.stage().number())) {
      at =
          at.base() instanceof StageSource.OfStage base
              ? byNumber.get(base.stage().number())
              : null;
    }
    return Set.copyOf(numbers);
  }

  /** The stages themselves. */
  List<Stage> stages() {
    return plans.stream().map(StagePlan::stage).toList();
  }

  /**
   * Goes from the target to all that it needs. What that is may depend on images: triggers of a
   * base may take from stages that nothing else needs.
   */
  static StagePlans of(Planning planning, Finder finder) throws BuildException {
    return new Walk(planning, finder).walk();
  }

  /**
   * Finds images as a build does.
   *
   * @throws BuildException at the name, if an image cannot be had
   */
  static Finder finder(StageGraph graph, BaseImages images, BuildProgress progress) {
    return named -> Optional.of(find(graph, images, named, progress));
  }

  private static BaseImage find(
      StageGraph graph, BaseImages images, StageSource.Named named, BuildProgress progress)
      throws BuildException {
    Word name = named.name();
    BuildProgress.Activity loading =
        progress.internal("[internal] load metadata for " + named.key());
    try {
      BaseImage image = images.find(named, loading);
      loading.done();
      return image;
    } catch (BuildException e) {
      loading.failed(e.getMessage());
      String hint =
          graph.nearestStage(name.text()).map(n -> "did you mean stage " + n + "?").orElse(null);
      throw new BuildException(
          e.reason(),
          new Problem(Problem.Code.BAD_ARGUMENT, name.range(), Failures.message(e), hint).render(),
          e);
    }
  }

  /** The instructions that a stage inherits from what it is based on. */
  static List<Instruction> inherited(StageSource base, @Nullable BaseImage image) {
    if (base instanceof StageSource.Files files) {
      // A stage of files has them as its root, as if it copied them to nothing.
      String text = "COPY --from=%s . /".formatted(files.name());
      return List.of(Dockerfile.parseTrigger("FROM " + files.name(), text));
    }
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

  private static final class Walk {
    private final Planning planning;
    private final StageGraph graph;
    private final Finder finder;
    private final Map<Integer, StagePlan> plans = new TreeMap<>();
    private final Map<String, Optional<BaseImage>> images = new LinkedHashMap<>();

    Walk(Planning planning, Finder finder) {
      this.planning = planning;
      this.graph = planning.graph();
      this.finder = finder;
    }

    StagePlans walk() throws BuildException {
      Deque<Stage> open = new ArrayDeque<>(graph.reachable(planning.target()));
      while (!open.isEmpty()) {
        Stage stage = open.removeFirst();
        if (!plans.containsKey(stage.number())) {
          StagePlan plan = plan(stage);
          plans.put(stage.number(), plan);
          for (Instruction instruction : plan.instructions()) {
            for (Word from : instruction.froms()) {
              open.addAll(taken(stage, from));
            }
          }
        }
      }
      var found = new LinkedHashMap<String, BaseImage>();
      images.forEach((name, image) -> image.ifPresent(i -> found.put(name, i)));
      return new StagePlans(List.copyOf(plans.values()), found);
    }

    private StagePlan plan(Stage stage) throws BuildException {
      StageSource base = graph.vertex(stage).base();
      BaseImage image = base instanceof StageSource.Named named ? image(named).orElse(null) : null;
      List<Instruction> instructions = new ArrayList<>(inherited(base, image));
      instructions.addAll(stage.instructions());
      String label = planning.dockerfile().stages().size() == 1 ? "" : stage.displayName();
      return new StagePlan(stage, base, image, instructions, label);
    }

    /** The stages that taking from that name needs. */
    private List<Stage> taken(Stage stage, Word from) throws BuildException {
      return switch (graph.resolve(from)) {
        case StageSource.OfStage other ->
            graph.taken(stage, new StageGraph.Dependency(other.stage(), from));
        case StageSource.Named named -> {
          image(named);
          yield List.of();
        }
        case StageSource.Scratch scratch -> List.of();
        case StageSource.Files files -> List.of();
      };
    }

    private Optional<BaseImage> image(StageSource.Named named) throws BuildException {
      Optional<BaseImage> known = images.get(named.key());
      if (known == null) {
        known = finder.find(named);
        images.put(named.key(), known);
      }
      return known;
    }
  }
}
