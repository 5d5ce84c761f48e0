package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Add;
import build.kiln.runtime.dockerfile.Instruction.Copy;
import build.kiln.runtime.dockerfile.Instruction.From;
import build.kiln.runtime.dockerfile.Instruction.Onbuild;
import build.kiln.runtime.dockerfile.Instruction.Run;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What the language has and the engine does not do yet: one row each. A row goes when the engine
 * learns it; a few stay, for what no step is to have.
 */
public final class Unsupported {

  /**
   * The places where an instruction needs what is missing, and what that is called.
   *
   * @param never why it will stay so, and what to do; null if it is only not there yet
   */
  private record Rule<I extends Instruction>(
      Class<I> kind, String what, Function<I, List<SourceRange>> places, @Nullable String never) {
    Rule(Class<I> kind, String what, Function<I, List<SourceRange>> places) {
      this(kind, what, places, null);
    }

    List<Problem> check(Instruction instruction) {
      if (!kind.isInstance(instruction)) {
        return List.of();
      }
      return places.apply(kind.cast(instruction)).stream()
          .map(
              range ->
                  new Problem(
                      Problem.Code.UNSUPPORTED,
                      range,
                      what + (never == null ? " is not supported yet" : " is not supported"),
                      never))
          .toList();
    }
  }

  private static final List<Rule<?>> RULES =
      List.of(
          new Rule<>(
              Run.class,
              "RUN --security=insecure",
              r -> when(r.security().text().equals("insecure"), r.security()),
              "no step gets more rights than the sandbox gives; build without the flag"),
          new Rule<>(
              Run.class,
              "RUN --device",
              r -> ranges(r.devices(), Word::range),
              "no step gets a device of the machine; build without the flag"),
          new Rule<>(
              Copy.class,
              "COPY --parents",
              c -> c.parents() ? List.of(c.origin().keyword()) : List.of()),
          new Rule<>(
              Copy.class, "COPY --exclude", c -> ranges(c.options().excludes(), Word::range)),
          new Rule<>(Add.class, "ADD --exclude", a -> ranges(a.options().excludes(), Word::range)),
          new Rule<>(
              Add.class,
              "ADD --checksum",
              a -> a.checksum() == null ? List.of() : List.of(a.checksum().range())),
          new Rule<>(
              Add.class,
              "ADD --keep-git-dir",
              a -> a.keepGitDir() ? List.of(a.origin().keyword()) : List.of()),
          new Rule<>(Add.class, "ADD of a URL", a -> sources(a, AddSource.URL)),
          new Rule<>(Add.class, "ADD of a Git repository", a -> sources(a, AddSource.GIT)));

  /**
   * Whether the engine can build these stages as written. Sources of ADD with variables in them
   * must be checked again, expanded.
   *
   * @throws DockerfileException with every place that asks for something missing
   */
  public static void check(Collection<Stage> stages) {
    var problems = new ArrayList<Problem>();
    for (Stage stage : stages) {
      stage.instructions().forEach(i -> problems.addAll(problems(i)));
    }
    if (!problems.isEmpty()) {
      throw new DockerfileException(problems);
    }
  }

  /** The same for one instruction, such as a trigger or one just expanded. */
  public static void check(Instruction instruction) {
    List<Problem> problems = problems(instruction);
    if (!problems.isEmpty()) {
      throw new DockerfileException(problems);
    }
  }

  /**
   * Whether a stage's platform is the build's own.
   *
   * @param from expanded
   * @param isTarget whether a platform such as {@code linux/arm64} is the one that is built
   */
  public static void checkPlatform(From from, Predicate<String> isTarget) {
    Word platform = from.platform();
    if (platform != null && !isTarget.test(platform.text())) {
      throw new DockerfileException(
          Problem.Code.UNSUPPORTED,
          platform.range(),
          "FROM --platform=" + platform + " is not the platform of this build",
          "a stage for another platform is not supported yet");
    }
  }

  private static List<Problem> problems(Instruction instruction) {
    if (instruction instanceof Onbuild) {
      // It only adds to the configuration; who builds on the image needs what it asks for.
      return List.of();
    }
    return RULES.stream().flatMap(rule -> rule.check(instruction).stream()).toList();
  }

  private static <T> List<SourceRange> ranges(List<T> list, Function<T, SourceRange> range) {
    return list.stream().map(range).toList();
  }

  private static List<SourceRange> when(boolean condition, Word word) {
    return condition ? List.of(word.range()) : List.of();
  }

  private static List<SourceRange> sources(Add add, AddSource kind) {
    return add.sources().stream()
        .filter(s -> AddSource.of(s.text()) == kind)
        .map(Word::range)
        .toList();
  }

  private Unsupported() {}
}
