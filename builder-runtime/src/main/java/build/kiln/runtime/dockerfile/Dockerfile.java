package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.Arg;
import build.kiln.runtime.dockerfile.Instruction.From;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Dockerfile with its meaning, before expansion.
 *
 * @param globalArgs the ARGs before the first FROM
 * @param stages at least one
 * @param warnings what is accepted but should not be there
 */
public record Dockerfile(
    SourceFile source,
    Directives directives,
    List<Arg> globalArgs,
    List<Stage> stages,
    List<Problem> warnings) {
  public Dockerfile {
    globalArgs = List.copyOf(globalArgs);
    stages = List.copyOf(stages);
    warnings = List.copyOf(warnings);
    if (stages.isEmpty()) {
      throw new IllegalArgumentException("a Dockerfile has at least one stage");
    }
  }

  /**
   * Reads a Dockerfile.
   *
   * @throws DockerfileException with all problems that can be told apart
   */
  public static Dockerfile parse(SourceFile source) {
    SyntaxTree tree = Parser.parse(source);
    var problems = new ArrayList<>(tree.problems());
    var builder = new Builder(tree);
    for (Node node : tree.nodes()) {
      try {
        builder.add(InstructionReader.read(node, tree.directives().escape()));
      } catch (DockerfileException e) {
        problems.addAll(e.problems());
        builder.seen(node);
      }
    }
    if (problems.isEmpty()) {
      try {
        return builder.build();
      } catch (DockerfileException e) {
        problems.addAll(e.problems());
      }
    }
    throw new DockerfileException(problems);
  }

  /**
   * Reads a Dockerfile's text.
   *
   * @param name what people call the file
   */
  public static Dockerfile parse(String name, String text) {
    return parse(SourceFile.of(name, text));
  }

  /**
   * Reads an ONBUILD trigger as an image's configuration has it.
   *
   * @param name where it comes from, such as {@code ONBUILD of busybox:1}
   * @throws DockerfileException if it is not exactly one instruction that a trigger may be
   */
  public static Instruction parseTrigger(String name, String trigger) {
    SourceFile source = SourceFile.of(name, trigger);
    SyntaxTree tree = Parser.parse(source);
    if (!tree.problems().isEmpty()) {
      throw new DockerfileException(tree.problems());
    }
    if (tree.nodes().size() != 1) {
      throw new DockerfileException(
          Problem.Code.SYNTAX,
          SourceRange.ofLine(source, 1),
          "an ONBUILD trigger is one instruction, this has " + tree.nodes().size(),
          null);
    }
    Instruction instruction =
        InstructionReader.read(tree.nodes().get(0), tree.directives().escape());
    return switch (instruction) {
      case From i -> throw noTrigger(i);
      case Instruction.Maintainer i -> throw noTrigger(i);
      case Instruction.Onbuild i -> throw noTrigger(i);
      case Instruction i -> i;
    };
  }

  private static DockerfileException noTrigger(Instruction instruction) {
    return new DockerfileException(
        Problem.Code.BAD_ARGUMENT,
        instruction.origin().keyword(),
        instruction.name() + " isn't allowed as an ONBUILD trigger",
        null);
  }

  /** Puts instructions into stages. */
  private static final class Builder {
    private final SyntaxTree tree;
    private final List<Arg> globalArgs = new ArrayList<>();
    private final List<Stage> stages = new ArrayList<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private @Nullable From from;
    private boolean fromFailed;

    Builder(SyntaxTree tree) {
      this.tree = tree;
    }

    /** An instruction that could not be read: if it was a FROM, what follows is not misplaced. */
    void seen(Node node) {
      String word = node.keyword().text();
      String meant = Suggestions.nearest(word, Keyword.names()).orElse(word);
      fromFailed |= Keyword.of(meant).filter(k -> k == Keyword.FROM).isPresent();
    }

    void add(Instruction instruction) {
      switch (instruction) {
        case From f -> {
          finishStage();
          from = f;
        }
        case Arg a when from == null -> globalArgs.add(a);
        case Instruction i when from != null -> instructions.add(i);
        case Instruction i -> {
          if (!fromFailed) {
            fromFailed = true;
            throw new DockerfileException(
                Problem.Code.EMPTY,
                i.origin().keyword(),
                i.name() + " before the first FROM",
                "a Dockerfile starts with FROM; only ARG may come before it");
          }
        }
      }
    }

    private void finishStage() {
      if (from != null) {
        SourceRange range =
            instructions.isEmpty()
                ? from.range()
                : from.range().to(instructions.get(instructions.size() - 1).range());
        stages.add(new Stage(stages.size(), from, instructions, range));
      }
      instructions.clear();
    }

    Dockerfile build() {
      finishStage();
      if (stages.isEmpty()) {
        boolean nothing = globalArgs.isEmpty();
        throw new DockerfileException(
            Problem.Code.EMPTY,
            nothing ? SourceRange.ofLine(tree.source(), 1) : globalArgs.get(0).range(),
            nothing ? "the Dockerfile has no instruction" : "the Dockerfile has no FROM",
            "it must name a base image: FROM image, or FROM scratch");
      }
      return new Dockerfile(tree.source(), tree.directives(), globalArgs, stages, tree.warnings());
    }
  }
}
