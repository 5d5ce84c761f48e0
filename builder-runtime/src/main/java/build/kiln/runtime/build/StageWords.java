package build.kiln.runtime.build;

import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.cache.StepInputs.Parent;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.store.LocalStore;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Replaces the variables of instructions without doing them. Variables of a base that is not known
 * are empty; what cannot be replaced stays as it is written.
 */
final class StageWords {
  private final Planning planning;
  private final LocalStore store;
  private final Map<Integer, StageState> ends = new HashMap<>();

  StageWords(Planning planning, LocalStore store) {
    this.planning = planning;
    this.store = store;
  }

  /** Takes the instructions of a stage. */
  @FunctionalInterface
  interface Taker {
    /**
     * @param trigger whether it is an ONBUILD of what the stage is based on
     * @param isStep whether it makes a layer
     */
    void take(Instruction instruction, boolean trigger, boolean isStep);
  }

  /**
   * Goes through one stage; those that it is based on must have been before.
   *
   * @param taker gets all instructions but ARG
   */
  void expand(StagePlan plan, Taker taker) {
    StageState state = start(plan);
    int triggers = plan.instructions().size() - plan.stage().instructions().size();
    for (Instruction instruction : plan.instructions()) {
      boolean trigger = triggers-- > 0;
      if (instruction instanceof Instruction.Arg arg) {
        declare(state, arg);
        continue;
      }
      Instruction expanded = expanded(state, instruction);
      boolean isStep = StagePlan.isStep(expanded);
      switch (expanded) {
        case Instruction.Env env -> state.env(env);
        case Instruction.Workdir workdir -> {
          state.config().workdir(state.workdir(workdir));
          // The root is there: no layer.
          isStep = !state.config().workdir().equals("/");
        }
        default -> {}
      }
      taker.take(expanded, trigger, isStep);
    }
    ends.put(plan.stage().number(), state);
  }

  private StageState start(StagePlan plan) {
    StageFiles none = StageFiles.none(store);
    var origin = new StageState.Origin(Parent.Kind.EMPTY, "", null);
    BaseImage image = plan.image();
    if (image != null) {
      return new StageState(none, origin, ConfigDraft.of(image.config()), Map.of(), 0);
    }
    StageState parent =
        plan.base() instanceof StageSource.OfStage base ? ends.get(base.stage().number()) : null;
    if (parent != null) {
      return new StageState(
          none, origin, ConfigDraft.of(parent.config().build(List.of())), parent.args(), 0);
    }
    return new StageState(
        none, origin, ConfigDraft.scratch(planning.request().platform()), Map.of(), 0);
  }

  private void declare(StageState state, Instruction.Arg arg) {
    try {
      state.declare(arg, planning.request().buildArgs(), planning.globals(), planning.expansion());
    } catch (DockerfileException cannotBeExpanded) {
      // The build tells of it, if it comes to it.
    }
  }

  private Instruction expanded(StageState state, Instruction instruction) {
    try {
      return planning.expansion().expand(instruction, state.variables());
    } catch (DockerfileException cannotBeExpanded) {
      return instruction;
    }
  }
}
