package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.From;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which stage needs which. A stage's name may be used twice: FROM means the last one before it,
 * {@code --from} and the target the last of all. Names are compared without case.
 */
public final class StageGraph {

  /**
   * One stage with its base.
   *
   * @param from with image and platform expanded
   * @param dependencies the stages it copies or mounts from, ONBUILD triggers of its own base stage
   *     included, without the base
   */
  public record Vertex(Stage stage, From from, StageSource base, List<Dependency> dependencies) {
    public Vertex {
      dependencies = List.copyOf(dependencies);
    }
  }

  /** What the platforms mean that {@code FROM --platform} names. */
  @FunctionalInterface
  public interface Platforms {
    /**
     * @return how the platform is usually written; empty if it is the one that is built
     * @throws IllegalArgumentException if the text is no platform
     */
    Optional<String> other(String text);
  }

  /** A stage that is taken from, and the word that says so. */
  public record Dependency(Stage stage, Word word) {}

  /** What is a stage's number, or would be one. */
  static final String NUMBER = "[+-]?[0-9]{1,18}";

  private final List<Vertex> vertices;
  private final Map<String, Stage> byName;
  private final NamedContexts contexts;

  private StageGraph(List<Vertex> vertices, Map<String, Stage> byName, NamedContexts contexts) {
    this.contexts = contexts;
    this.vertices = List.copyOf(vertices);
    this.byName = Map.copyOf(byName);
  }

  /**
   * Expands every FROM and resolves all references.
   *
   * @throws DockerfileException if a base's name is empty, a stage's number is unknown, or a stage
   *     needs itself
   */
  public static StageGraph of(Dockerfile dockerfile, GlobalArguments arguments) {
    return of(dockerfile, arguments, NamedContexts.none(), text -> Optional.empty());
  }

  /** The same with names that the build gives a meaning, and stages of other platforms. */
  public static StageGraph of(
      Dockerfile dockerfile,
      GlobalArguments arguments,
      NamedContexts contexts,
      Platforms platforms) {
    return new Builder(dockerfile, arguments, contexts, platforms).build();
  }

  /** All stages, in the file's order. */
  public List<Vertex> vertices() {
    return vertices;
  }

  public Vertex vertex(Stage stage) {
    return vertices.get(stage.number());
  }

  /** The stage that is built if no target is named. */
  public Stage lastStage() {
    return vertices.get(vertices.size() - 1).stage();
  }

  /**
   * The stage of that name or number.
   *
   * @param target as the user gave it
   * @throws DockerfileException that names the nearest stage, if there is none
   */
  public Stage target(String target) {
    Stage named = byName.get(target.toLowerCase(Locale.ROOT));
    if (named != null) {
      return named;
    }
    if (target.matches("[0-9]{1,6}") && Integer.parseInt(target) < vertices.size()) {
      return vertices.get(Integer.parseInt(target)).stage();
    }
    throw new DockerfileException(
        Problem.Code.UNKNOWN_STAGE,
        lastStage().from().origin().keyword(),
        "target stage \"" + target + "\" could not be found",
        nearestStage(target)
            .map(n -> "did you mean " + n + "?")
            .orElse(
                byName.isEmpty()
                    ? "no stage has a name"
                    : "stages are " + String.join(", ", new TreeSet<>(byName.keySet()))));
  }

  /**
   * The stage whose name is nearest to that one: what to tell when an image of the name is missing.
   */
  public Optional<String> nearestStage(String name) {
    return Suggestions.nearest(name, byName.keySet());
  }

  /**
   * What {@code --from} means, also in a trigger.
   *
   * @throws DockerfileException if it is a number and there is no such stage
   */
  public StageSource resolve(Word from) {
    return resolve(from, byName, vertices.stream().map(Vertex::stage).toList(), contexts);
  }

  /**
   * The stages a target needs, itself included, in the file's order.
   *
   * @throws DockerfileException if one of them takes from a stage that comes after it
   */
  public List<Stage> reachable(Stage target) {
    var seen = new TreeSet<Integer>();
    Deque<Stage> open = new ArrayDeque<>(List.of(target));
    while (!open.isEmpty()) {
      Stage stage = open.pop();
      if (seen.add(stage.number())) {
        Vertex vertex = vertex(stage);
        vertex.dependencies().forEach(d -> open.add(before(stage, d)));
        if (vertex.base() instanceof StageSource.OfStage base) {
          open.add(base.stage());
        }
      }
    }
    return seen.stream().map(n -> vertices.get(n).stage()).toList();
  }

  /**
   * The stages needed by a stage that takes from another, as {@link #reachable} has them.
   *
   * @throws DockerfileException if the other comes after it
   */
  public List<Stage> taken(Stage stage, Dependency dependency) {
    return reachable(before(stage, dependency));
  }

  private static Stage before(Stage stage, Dependency dependency) {
    Stage other = dependency.stage();
    if (other.number() >= stage.number()) {
      throw new DockerfileException(
          Problem.Code.UNKNOWN_STAGE,
          dependency.word().range(),
          "stage "
              + stage.displayName()
              + " takes from "
              + (other.equals(stage) ? "itself" : other.displayName() + ", which comes later"),
          "a stage can only take from stages before it");
    }
    return other;
  }

  private static StageSource resolve(
      Word from, Map<String, Stage> byName, List<Stage> stages, NamedContexts contexts) {
    Optional<StageSource> given = contexts.find(from, null);
    if (given.isPresent()) {
      return given.get();
    }
    String name = from.text();
    if (name.matches(NUMBER)) {
      long number = Long.parseLong(name);
      if (number < 0 || number >= stages.size()) {
        throw new DockerfileException(
            Problem.Code.UNKNOWN_STAGE,
            from.range(),
            "there is no stage " + name,
            "the last one is " + (stages.size() - 1));
      }
      return new StageSource.OfStage(stages.get((int) number));
    }
    Stage stage = byName.get(name.toLowerCase(Locale.ROOT));
    if (stage != null) {
      return new StageSource.OfStage(stage);
    }
    return name.equals("scratch") ? new StageSource.Scratch() : new StageSource.Named(from);
  }

  private static final class Builder {
    private final Dockerfile dockerfile;
    private final GlobalArguments arguments;
    private final Expansion expansion;
    private final List<Stage> stages = new ArrayList<>();
    private final Map<String, Stage> byName = new HashMap<>();
    private final NamedContexts contexts;
    private final Platforms platforms;

    Builder(
        Dockerfile dockerfile,
        GlobalArguments arguments,
        NamedContexts contexts,
        Platforms platforms) {
      this.contexts = contexts;
      this.platforms = platforms;
      this.dockerfile = dockerfile;
      this.arguments = arguments;
      this.expansion = Expansion.of(dockerfile.directives().escape());
    }

    StageGraph build() {
      var froms = new ArrayList<From>();
      var bases = new ArrayList<StageSource>();
      for (Stage written : dockerfile.stages()) {
        From from = expanded(written.from());
        froms.add(from);
        Optional<StageSource> instead = instead(written, from);
        Stage stage = instead.isEmpty() ? written : empty(written);
        stages.add(stage);
        bases.add(instead.orElseGet(() -> base(from)));
        stage.name().ifPresent(name -> byName.put(name, stage));
      }
      var vertices = new ArrayList<Vertex>();
      for (Stage stage : stages) {
        StageSource base = bases.get(stage.number());
        vertices.add(new Vertex(stage, froms.get(stage.number()), base, dependencies(stage, base)));
      }
      checkCycles(vertices);
      return new StageGraph(vertices, byName, contexts);
    }

    /**
     * Bases come first, so every cycle goes through a stage that takes from itself or a later one.
     */
    private static void checkCycles(List<Vertex> vertices) {
      for (Vertex vertex : vertices) {
        for (Dependency dependency : vertex.dependencies()) {
          if (dependency.stage().number() >= vertex.stage().number()
              && needs(vertices, dependency.stage(), vertex.stage())) {
            throw new DockerfileException(
                Problem.Code.STAGE_CYCLE,
                dependency.word().range(),
                "stage "
                    + vertex.stage().displayName()
                    + " needs itself"
                    + (dependency.stage().equals(vertex.stage())
                        ? ""
                        : ", through " + dependency.stage().displayName()),
                "a stage can only take from stages before it");
          }
        }
      }
    }

    private static boolean needs(List<Vertex> vertices, Stage from, Stage wanted) {
      var seen = new TreeSet<Integer>();
      Deque<Integer> open = new ArrayDeque<>(List.of(from.number()));
      while (!open.isEmpty()) {
        int number = open.pop();
        if (number == wanted.number()) {
          return true;
        }
        if (seen.add(number)) {
          Vertex vertex = vertices.get(number);
          vertex.dependencies().forEach(d -> open.add(d.stage().number()));
          if (vertex.base() instanceof StageSource.OfStage base) {
            open.add(base.stage().number());
          }
        }
      }
      return false;
    }

    /** What the build says that a stage of this name is. */
    private Optional<StageSource> instead(Stage stage, From from) {
      String platform = platform(from.platform());
      return stage
          .name()
          .flatMap(name -> contexts.find(new Word(name, from.image().range()), platform));
    }

    private static Stage empty(Stage stage) {
      return new Stage(stage.number(), stage.from(), List.of(), stage.range());
    }

    private StageSource base(From from) {
      Word image = from.image();
      String platform = platform(from.platform());
      Optional<StageSource> given = contexts.find(image, platform);
      if (given.isPresent()) {
        return given.get();
      }
      Stage earlier = byName.get(image.text().toLowerCase(Locale.ROOT));
      if (earlier != null) {
        return new StageSource.OfStage(earlier);
      }
      return image.text().equals("scratch")
          ? new StageSource.Scratch()
          : new StageSource.Named(image, platform);
    }

    private @Nullable String platform(@Nullable Word word) {
      if (word == null) {
        return null;
      }
      try {
        return platforms.other(word.text()).orElse(null);
      } catch (IllegalArgumentException e) {
        throw new DockerfileException(
            Problem.Code.BAD_ARGUMENT, word.range(), String.valueOf(e.getMessage()), null);
      }
    }

    private From expanded(From from) {
      From expanded = expansion.expand(from, arguments);
      Set<String> undefined = expansion.undefined(from, arguments);
      checkName(from.image(), expanded.image(), undefined);
      Word platform = expanded.platform();
      if (from.platform() != null && platform != null && platform.isEmpty()) {
        throw empty(from.platform(), "the platform", undefined);
      }
      return expanded;
    }

    private void checkName(Word written, Word expanded, Set<String> undefined) {
      String name = expanded.text();
      if (name.isEmpty()) {
        throw empty(written, "the base's name", undefined);
      }
      boolean open = name.endsWith(":") || name.endsWith("@") || name.endsWith("/");
      if (!undefined.isEmpty() && (open || name.startsWith(":") || name.startsWith("/"))) {
        throw new DockerfileException(
            Problem.Code.EXPANSION,
            written.range(),
            written + " is not an image's name: \"" + name + "\"",
            hint(undefined));
      }
    }

    private DockerfileException empty(Word written, String what, Set<String> undefined) {
      return new DockerfileException(
          Problem.Code.EXPANSION,
          written.range(),
          what + " is empty: " + written,
          undefined.isEmpty() ? null : hint(undefined));
    }

    private String hint(Set<String> undefined) {
      String name = new TreeSet<>(undefined).first();
      if (arguments.declared().contains(name)) {
        return "ARG " + name + " has no default, and no build argument gives it a value";
      }
      var known = new TreeSet<>(arguments.declared());
      known.addAll(arguments.values().keySet());
      return Suggestions.nearest(name, known)
          .map(n -> "did you mean $" + n + "?")
          .orElse("no ARG " + name + " comes before the first FROM");
    }

    private List<Dependency> dependencies(Stage stage, StageSource base) {
      var needed = new ArrayList<Dependency>();
      if (base instanceof StageSource.OfStage parent) {
        for (Instruction instruction : parent.stage().instructions()) {
          if (instruction instanceof Instruction.Onbuild onbuild) {
            needed.addAll(references(onbuild.instruction()));
          }
        }
      }
      stage.instructions().forEach(i -> needed.addAll(references(i)));
      return needed;
    }

    private List<Dependency> references(Instruction instruction) {
      var found = new ArrayList<Dependency>();
      for (Word word : instruction.froms()) {
        if (resolve(word, byName, stages, contexts) instanceof StageSource.OfStage other) {
          found.add(new Dependency(other.stage(), word));
        }
      }
      return found;
    }
  }
}
