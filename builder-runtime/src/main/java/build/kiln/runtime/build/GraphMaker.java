package build.kiln.runtime.build;

import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.build.BuildGraph.Blobs;
import build.kiln.runtime.build.BuildGraph.Files;
import build.kiln.runtime.build.BuildGraph.FoundImage;
import build.kiln.runtime.build.BuildGraph.ImageNode;
import build.kiln.runtime.build.BuildGraph.Link;
import build.kiln.runtime.build.BuildGraph.Need;
import build.kiln.runtime.build.BuildGraph.Read;
import build.kiln.runtime.build.BuildGraph.Source;
import build.kiln.runtime.build.BuildGraph.SourceKind;
import build.kiln.runtime.build.BuildGraph.StageNode;
import build.kiln.runtime.build.BuildGraph.StepNode;
import build.kiln.runtime.build.BuildGraph.Use;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.StageGraph;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the picture of a build from its plans. */
final class GraphMaker {
  private final LocalStore store;
  private final Planning planning;
  private final StagePlans plans;
  private final Map<String, String> problems;
  private final boolean whole;
  private final Map<Integer, List<StepNode>> steps = new LinkedHashMap<>();

  /**
   * @param problems of images that could not be looked up, by the names in the Dockerfile
   * @param whole whether all of the result's layers are wanted here, as an archive has them
   */
  GraphMaker(
      LocalStore store,
      Planning planning,
      StagePlans plans,
      Map<String, String> problems,
      boolean whole) {
    this.store = store;
    this.planning = planning;
    this.plans = plans;
    this.problems = problems;
    this.whole = whole;
  }

  BuildGraph make() throws IOException {
    var words = new StageWords(planning, store);
    for (StageGraph.Vertex vertex : planning.graph().vertices()) {
      StagePlan plan = plan(vertex);
      var nodes = new ArrayList<StepNode>();
      words.expand(
          plan,
          (instruction, trigger, isStep) -> nodes.add(step(vertex, instruction, trigger, isStep)));
      steps.put(vertex.stage().number(), nodes);
    }
    Map<Integer, List<Need>> needs = needs();
    List<StageNode> stages =
        planning.graph().vertices().stream()
            .map(
                vertex ->
                    new StageNode(
                        vertex.stage().number(),
                        Source.stage(vertex.stage()),
                        vertex.from().range().startLine(),
                        StepReads.source(vertex.base()),
                        needs.getOrDefault(vertex.stage().number(), List.of()),
                        stepsOf(vertex.stage().number())))
            .toList();
    return new BuildGraph(
        Source.stage(planning.target()),
        planning.request().platform().toString(),
        stages,
        images());
  }

  /** That of a stage which is not needed has what the Dockerfile says of it. */
  private StagePlan plan(StageGraph.Vertex vertex) {
    return plans.plans().stream()
        .filter(plan -> plan.stage().equals(vertex.stage()))
        .findFirst()
        .orElseGet(
            () -> {
              List<Instruction> all = new ArrayList<>(StagePlans.inherited(vertex.base(), null));
              all.addAll(vertex.stage().instructions());
              return new StagePlan(vertex.stage(), vertex.base(), null, all, "");
            });
  }

  private StepNode step(
      StageGraph.Vertex vertex, Instruction instruction, boolean trigger, boolean isStep) {
    boolean own = instruction.range().source().equals(planning.dockerfile().source());
    return new StepNode(
        own ? instruction.range().startLine() : vertex.from().range().startLine(),
        StepProblems.oneLine(instruction.original()),
        trigger,
        isStep,
        StepReads.files(instruction, isStep),
        StepReads.of(planning.graph(), instruction));
  }

  private List<StepNode> stepsOf(int stage) {
    return steps.getOrDefault(stage, List.of());
  }

  private Map<Integer, List<Need>> needs() {
    var needs = new LinkedHashMap<Integer, List<Need>>();
    Map<String, Integer> numbers = new LinkedHashMap<>();
    planning
        .graph()
        .vertices()
        .forEach(v -> numbers.put(Source.stage(v.stage()).id(), v.stage().number()));
    Source target = Source.stage(planning.target());
    add(needs, numbers, target, new Need(Link.TARGET, target, 0));
    for (StagePlan plan : plans.plans()) {
      Source self = Source.stage(plan.stage());
      int line = plan.stage().from().range().startLine();
      add(needs, numbers, StepReads.source(plan.base()), new Need(Link.FROM, self, line));
      for (StepNode step : stepsOf(plan.stage().number())) {
        for (Read read : step.reads()) {
          add(needs, numbers, read.source(), new Need(read.link(), self, step.line()));
        }
      }
    }
    return needs;
  }

  private static void add(
      Map<Integer, List<Need>> needs, Map<String, Integer> numbers, Source source, Need need) {
    Integer number = numbers.get(source.id());
    if (number != null) {
      needs.computeIfAbsent(number, n -> new ArrayList<>()).add(need);
    }
  }

  private List<ImageNode> images() throws IOException {
    Map<String, Use> uses = uses();
    var nodes = new ArrayList<ImageNode>();
    for (Map.Entry<String, Use> use : uses.entrySet()) {
      BaseImage image = plans.images().get(use.getKey());
      nodes.add(
          new ImageNode(
              Source.of(SourceKind.IMAGE, use.getKey()),
              use.getValue(),
              image == null ? null : found(image, use.getValue()),
              problems.get(use.getKey())));
    }
    return nodes;
  }

  private FoundImage found(BaseImage image, Use use) throws IOException {
    List<Layer> missing = new ArrayList<>();
    for (Layer layer : image.layers()) {
      boolean wanted =
          switch (use) {
            case CONFIG -> false;
            case INDEX -> !store.layers().hasIndex(layer);
            case CONTENT, ROOT -> true;
          };
      if (wanted && !store.has(layer.descriptor())) {
        missing.add(layer);
      }
    }
    return new FoundImage(
        image.name().toString(), image.digest(), blobs(image.layers()), blobs(missing));
  }

  private static Blobs blobs(List<Layer> layers) {
    return new Blobs(
        layers.size(), layers.stream().mapToLong(layer -> layer.descriptor().size()).sum());
  }

  /** How much of each image is needed: the most that a step says. */
  private Map<String, Use> uses() {
    var uses = new LinkedHashMap<String, Use>();
    Map<String, Source> below = new LinkedHashMap<>();
    for (StagePlan plan : plans.plans()) {
      Source base = StepReads.source(plan.base());
      Source bottom = base.kind() == SourceKind.STAGE ? below.getOrDefault(base.id(), base) : base;
      below.put(Source.stage(plan.stage()).id(), bottom);
      atLeast(uses, bottom, Use.CONFIG);
      for (StepNode step : stepsOf(plan.stage().number())) {
        atLeast(uses, bottom, use(step.files()));
        for (Read read : step.reads()) {
          atLeast(uses, below.getOrDefault(read.source().id(), read.source()), Use.CONTENT);
        }
      }
    }
    if (whole) {
      atLeast(uses, below.get(Source.stage(planning.target()).id()), Use.CONTENT);
    }
    return uses;
  }

  private static Use use(Files files) {
    return switch (files) {
      case NONE -> Use.CONFIG;
      case INDEX -> Use.INDEX;
      case ROOT -> Use.ROOT;
    };
  }

  private static void atLeast(Map<String, Use> uses, @Nullable Source source, Use use) {
    if (source != null && source.kind() == SourceKind.IMAGE) {
      uses.merge(source.name(), use, (a, b) -> a.compareTo(b) >= 0 ? a : b);
    }
  }
}
