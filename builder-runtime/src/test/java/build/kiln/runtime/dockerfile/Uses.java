package build.kiln.runtime.dockerfile;

import static build.kiln.runtime.dockerfile.Oracle.quietly;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;

/** All that the language's package does with a file. */
final class Uses {
  private Uses() {}

  /** Reads a Dockerfile and goes through all that is in it. */
  static Dockerfile dockerfile(byte[] input) throws Exception {
    Dockerfile file = Dockerfile.parse(SourceFile.of("Dockerfile", input));
    Expansion expansion = Expansion.of(file.directives().escape());
    for (Stage stage : file.stages()) {
      for (Instruction instruction : stage.instructions()) {
        quietly(() -> expansion.expand(instruction, Uses::variable));
        quietly(() -> expansion.undefined(instruction, Uses::variable));
        quietly(() -> done(() -> Unsupported.check(instruction)));
        quietly(() -> trigger(instruction));
        details(instruction);
      }
    }
    GlobalArguments arguments = GlobalArguments.resolve(file, Map.of(), Map.of());
    StageGraph graph = StageGraph.of(file, arguments);
    assertThat(graph.reachable(graph.lastStage())).contains(graph.lastStage());
    return file;
  }

  /** A trigger is read a second time from an image's configuration. */
  private static Optional<Instruction> trigger(Instruction instruction) {
    return instruction instanceof Instruction.Onbuild onbuild
        ? Optional.of(Dockerfile.parseTrigger("ONBUILD of x", onbuild.instruction().original()))
        : Optional.empty();
  }

  private static void details(Instruction instruction) throws Exception {
    switch (instruction) {
      case Instruction.Run run -> assertThat(run.script()).isNotNull();
      case Instruction.Copy copy -> {
        for (Word source : copy.sources()) {
          quietly(() -> Wildcard.of(source).matches("a/b"));
          quietly(() -> PivotPath.of(source).required());
        }
        quietly(() -> IgnoreFile.ofPatterns(copy.options().excludes()).excludes("a/b"));
      }
      case Instruction.Add add -> {
        for (Word source : add.sources()) {
          quietly(() -> GitReference.of(source));
        }
      }
      default -> {}
    }
  }

  /** Reads an ignore file and asks it for the paths of a small tree. */
  static IgnoreFile ignoreFile(byte[] input) {
    IgnoreFile ignored = IgnoreFile.parse(SourceFile.of(".dockerignore", input));
    for (String path : new String[] {"a", "a/b/c", "b.txt", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa/a"}) {
      boolean excluded = ignored.excludes(path);
      assertThat(ignored.mayContainIncluded(path) || excluded).isTrue();
    }
    return ignored;
  }

  static Optional<String> variable(String name) {
    return name.length() % 2 == 1 ? Optional.of("va lue") : Optional.empty();
  }

  private static boolean done(Runnable action) {
    action.run();
    return true;
  }
}
