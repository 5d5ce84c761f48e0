package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Instruction.From;
import java.util.List;
import java.util.Optional;

/**
 * One stage of a build.
 *
 * @param number from 0
 * @param instructions what follows the FROM; never a FROM
 * @param range from the FROM to the end of the last instruction
 */
public record Stage(int number, From from, List<Instruction> instructions, SourceRange range) {
  public Stage {
    instructions = List.copyOf(instructions);
  }

  /** In lower case. */
  public Optional<String> name() {
    return Optional.ofNullable(from.stageName());
  }

  /** The name, or {@code stage-N} as progress output calls a stage without one. */
  public String displayName() {
    return name().orElse("stage-" + number);
  }
}
