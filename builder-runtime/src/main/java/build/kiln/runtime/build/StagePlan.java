package build.kiln.runtime.build;

import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Stage;
import build.kiln.runtime.dockerfile.StageSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A stage that the target needs.
 *
 * @param image the base if it is an image
 * @param instructions the triggers of the base, or what copies the files that are one, then the
 *     stage's own
 * @param label what its steps are shown with, such as {@code builder}; empty if the Dockerfile has
 *     one stage
 */
record StagePlan(
    Stage stage,
    StageSource base,
    @Nullable BaseImage image,
    List<Instruction> instructions,
    String label) {
  StagePlan {
    instructions = List.copyOf(instructions);
  }

  /** Whether an instruction makes a layer, and so is a step. */
  static boolean isStep(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Run i -> true;
      case Instruction.Copy i -> true;
      case Instruction.Add i -> true;
      case Instruction.Workdir i -> true;
      default -> false;
    };
  }

  /** How many steps it has, the FROM included. */
  int of() {
    return 1 + (int) instructions.stream().filter(StagePlan::isStep).count();
  }

  /** How many of them are done by this build: a FROM of another stage, or scratch, is nothing. */
  int steps() {
    return image == null ? of() - 1 : of();
  }

  /** How progress calls a step. */
  String stepName(int number, String instruction) {
    String stage = label.isEmpty() ? "" : label + " ";
    return "[" + stage + number + "/" + of() + "] " + instruction;
  }
}
