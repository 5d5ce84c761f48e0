package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Onbuild;
import build.kiln.runtime.dockerfile.Instruction.Run;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;

/**
 * What the language has and no step is to have, one row each, and what the engine cannot do yet.
 */
public final class Unsupported {

  /**
   * The places where an instruction asks for what it cannot have, and what that is called.
   *
   * @param why it is so, and what to do
   */
  private record Rule<I extends Instruction>(
      Class<I> kind, String what, Function<I, List<SourceRange>> places, String why) {
    List<Problem> check(Instruction instruction) {
      if (!kind.isInstance(instruction)) {
        return List.of();
      }
      return places.apply(kind.cast(instruction)).stream()
          .map(
              range ->
                  new Problem(Problem.Code.UNSUPPORTED, range, what + " is not supported", why))
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
              "no step gets a device of the machine; build without the flag"));

  /**
   * Whether the engine can build these stages as written. Words with variables in them must be
   * checked again, expanded.
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

  private Unsupported() {}
}
