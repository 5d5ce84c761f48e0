package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.build.CopyPlan.Conflict;
import build.kiln.runtime.build.StageSteps.Cached;
import build.kiln.runtime.build.StageSteps.Key;
import build.kiln.runtime.cache.MissReason;
import build.kiln.runtime.cache.StepInputs.Parent;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.Instruction;
import build.kiln.runtime.dockerfile.Instruction.Arg;
import build.kiln.runtime.dockerfile.StageSource;
import build.kiln.runtime.dockerfile.Unsupported;
import build.kiln.runtime.dockerfile.Word;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.ImageConfig;
import build.kiln.runtime.oci.Timestamps;
import build.kiln.runtime.rootfs.Resolved;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** Builds one stage, instruction by instruction. */
final class StageRunner {
  private final BuildSession session;
  private final StagePlan plan;
  private final OtherStages others;
  private final StageSteps steps;

  /**
   * A finished stage.
   *
   * @param unknownSince the step since which its files are not known, where nothing is done
   */
  record BuiltStage(
      StageFiles files,
      StageState.Origin origin,
      ImageConfig config,
      SequencedMap<String, Optional<String>> args,
      String chain,
      long time,
      @Nullable String unknownSince) {
    BuiltStage {
      // In the order of their declarations, which is part of keys and of the history.
      args = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(args));
    }
  }

  /** Waits for another stage of the build. */
  @FunctionalInterface
  interface OtherStages {
    BuiltStage await(int number) throws InterruptedException, BuildException;
  }

  StageRunner(BuildSession session, StagePlan plan, OtherStages others) {
    this.session = session;
    this.plan = plan;
    this.others = others;
    this.steps = new StageSteps(session, plan);
  }

  BuiltStage run() throws BuildException, InterruptedException {
    StageState state = start();
    if (session.isInImage(plan)) {
      state.becomesImage();
    }
    for (Instruction instruction : plan.instructions()) {
      try {
        // A trigger, or words that only now have their values, may ask for what is not there yet.
        Unsupported.check(instruction);
        if (instruction instanceof Arg arg) {
          arg(state, arg);
          continue;
        }
        Instruction expanded = session.expansion().expand(instruction, state.variables());
        Unsupported.check(expanded);
        perform(state, expanded);
      } catch (DockerfileException e) {
        throw new BuildException(FailureReason.DockerfileInvalid, e.render(), e);
      } catch (UncheckedIOException e) {
        throw wrapped(instruction, Objects.requireNonNull(e.getCause()));
      } catch (IOException e) {
        throw wrapped(instruction, e);
      }
    }
    ImageConfig config =
        state.config().build(state.files().layers().stream().map(Layer::diffId).toList());
    return new BuiltStage(
        state.files(),
        state.origin(),
        config,
        state.args(),
        state.chain(),
        state.time(),
        state.unknownSince());
  }

  private static BuildException wrapped(Instruction instruction, IOException cause)
      throws InterruptedException {
    if (Failures.isInterrupt(cause)) {
      throw interrupted(cause);
    }
    return Failures.step(instruction, cause);
  }

  private static InterruptedException interrupted(Exception cause) {
    var interrupted = new InterruptedException("the build was ended");
    interrupted.initCause(cause);
    return interrupted;
  }

  private StageState start() throws BuildException, InterruptedException {
    BaseImage image = plan.image();
    if (image != null) {
      return ofImage(image);
    }
    if (plan.base() instanceof StageSource.OfStage base) {
      BuiltStage built = others.await(base.stage().number());
      ConfigDraft config = ConfigDraft.of(built.config());
      config.takeTriggers();
      var state = new StageState(built.files(), built.origin(), config, built.args(), built.time());
      state.unknownSince(built.unknownSince());
      return state;
    }
    return new StageState(
        session.noFiles(),
        new StageState.Origin(Parent.Kind.EMPTY, "scratch", null),
        ConfigDraft.scratch(session.request().platform()),
        Map.of(),
        session.fixedTime().orElse(0));
  }

  private StageState ofImage(BaseImage image) {
    String text = "FROM " + image.pinned();
    session.progress().step(plan.stepName(1, text), text).done();
    ConfigDraft config = ConfigDraft.of(image.config());
    config.takeTriggers();
    return new StageState(
        session.files(image),
        new StageState.Origin(Parent.Kind.BASE, image.name().toString(), image.digest().toString()),
        config,
        Map.of(),
        session.fixedTime().orElseGet(() -> created(image)));
  }

  private static long created(BaseImage image) {
    String text = image.config().created();
    try {
      return text == null ? 0 : Math.max(0, Timestamps.parse(text).getEpochSecond());
    } catch (DateTimeException notATime) {
      return 0;
    }
  }

  private void perform(StageState state, Instruction instruction)
      throws IOException, BuildException, InterruptedException {
    ConfigDraft config = state.config();
    switch (instruction) {
      case Instruction.Run i -> run(state, i);
      case Instruction.Copy i -> copy(state, i, i.from());
      case Instruction.Add i -> copy(state, i, null);
      case Instruction.Workdir i -> workdir(state, i);
      case Instruction.From i -> throw new IllegalStateException("a stage has one FROM");
      case Instruction.Arg i -> throw new IllegalStateException("done before expansion");
      case Instruction.Env i -> noted(config, i, () -> state.env(i));
      case Instruction.Label i ->
          noted(
              config,
              i,
              () -> i.assignments().forEach(a -> config.label(a.name().text(), a.value().text())));
      case Instruction.User i -> noted(config, i, () -> config.user(i.user().text()));
      case Instruction.Cmd i -> noted(config, i, () -> config.cmd(i.command()));
      case Instruction.Entrypoint i -> noted(config, i, () -> config.entrypoint(i.command()));
      case Instruction.Expose i -> noted(config, i, () -> config.expose(i));
      case Instruction.Volume i -> noted(config, i, () -> config.volume(i));
      case Instruction.Shell i -> noted(config, i, () -> config.shell(i));
      case Instruction.StopSignal i -> noted(config, i, () -> config.stopSignal(i.signal().text()));
      case Instruction.Healthcheck i -> noted(config, i, () -> config.healthcheck(i));
      case Instruction.Maintainer i -> noted(config, i, () -> config.maintainer(i.author()));
      case Instruction.Onbuild i -> config.onBuild(i.trigger());
    }
  }

  private void noted(ConfigDraft config, Instruction instruction, Runnable change) {
    change.run();
    changed(config, HistoryText.of(instruction, config.shell()));
  }

  private void changed(ConfigDraft config, String createdBy) {
    if (session.imageTime().isPresent()) {
      config.changeAt(createdBy, session.historyTime());
    } else {
      config.change(createdBy, session.historyTime());
    }
  }

  private void arg(StageState state, Arg instruction) {
    List<String> shown =
        state.declare(
            instruction, session.request().buildArgs(), session.globals(), session.expansion());
    changed(state.config(), "ARG " + String.join(" ", shown));
  }

  private void run(StageState state, Instruction.Run instruction)
      throws IOException, BuildException, InterruptedException {
    String unknown = unknownOrigin(instruction);
    if (unknown != null) {
      steps.unknown(state, instruction, MissReason.earlierStep(unknown));
      return;
    }
    var run =
        new RunStep(
            session, state, instruction, RunMounts.of(session, state, instruction, this::origin));
    var keys = new ArrayList<Key>();
    run.quickKey().ifPresent(key -> keys.add(() -> key));
    keys.add(run::key);
    steps.step(
        state,
        instruction,
        run.createdBy(),
        new Cached(keys, false, false, run::describe),
        activity -> session.limited(() -> run.execute(activity)));
  }

  private void copy(StageState state, Instruction instruction, @Nullable Word from)
      throws IOException, BuildException, InterruptedException {
    String unknown = unknownOrigin(instruction);
    if (unknown != null) {
      steps.unknown(state, instruction, MissReason.earlierStep(unknown));
      return;
    }
    CopyStep.Origin origin = origin(from);
    try (CopyStep copy = copyStep(state, instruction, origin)) {
      var keys = new ArrayList<Key>();
      copy.quickKey().ifPresent(key -> keys.add(() -> key));
      keys.add(copy::contentKey);
      steps.step(
          state,
          instruction,
          HistoryText.of(instruction, state.config().shell()),
          new Cached(keys, copy.isIndependent(), true, copy::describe),
          activity -> session.limited(copy::execute));
    }
  }

  private CopyStep copyStep(StageState state, Instruction instruction, CopyStep.Origin origin)
      throws BuildException {
    return switch (instruction) {
      case Instruction.Copy i -> CopyStep.of(session, state, i, origin);
      case Instruction.Add i -> CopyStep.of(session, state, i, origin);
      default -> throw new IllegalStateException("no COPY and no ADD");
    };
  }

  /** The step since which files that it takes are not known; null if they are. */
  private @Nullable String unknownOrigin(Instruction instruction)
      throws BuildException, InterruptedException {
    for (Word from : instruction.froms()) {
      if (session.graph().resolve(from) instanceof StageSource.OfStage other) {
        String unknown = others.await(other.stage().number()).unknownSince();
        if (unknown != null) {
          return unknown;
        }
      }
    }
    return null;
  }

  private CopyStep.Origin origin(@Nullable Word from) throws BuildException, InterruptedException {
    if (from == null) {
      return new CopyStep.Origin(
          session.contextTree(), "the build context", null, session.request().context().epoch());
    }
    return switch (session.graph().resolve(from)) {
      case StageSource.OfStage other -> {
        BuiltStage built = others.await(other.stage().number());
        yield new CopyStep.Origin(
            built.files(), "stage " + other.stage().displayName(), built.chain());
      }
      case StageSource.Named named -> {
        BaseImage image = session.image(named.key());
        StageFiles files = session.files(image);
        yield new CopyStep.Origin(files, "image " + image.name(), chain(image));
      }
      case StageSource.Scratch scratch ->
          new CopyStep.Origin(session.noFiles(), "scratch, which is empty", "");
      case StageSource.Files files -> session.files(files.name().text());
    };
  }

  private static String chain(BaseImage image) {
    var hash = new KeyHash("layers.1");
    image.layers().forEach(layer -> hash.add(layer.diffId().toString()));
    return hash.hex();
  }

  private void workdir(StageState state, Instruction.Workdir instruction)
      throws IOException, BuildException, InterruptedException {
    String path = Paths.absolute(state.config().workdir(), instruction.path().text());
    String workdir = state.workdir(instruction);
    state.config().workdir(workdir);
    String createdBy = "WORKDIR " + workdir;
    if (workdir.equals("/")) {
      // The root is there: no layer.
      changed(state.config(), createdBy);
      return;
    }
    Key key =
        () ->
            new KeyHash("workdir.1")
                .add(state.chain())
                .add(path)
                .add(state.config().user())
                .number(state.time())
                .hex();
    steps.step(
        state,
        instruction,
        createdBy,
        new Cached(
            List.of(key),
            false,
            false,
            inputs ->
                inputs
                    .words(path)
                    .variablesInText(state.values(), state.config().env())
                    .setting("the user", state.config().user())
                    .setting("the time of new directories", state.time())),
        activity -> makeWorkdir(state, instruction, path));
  }

  private Layer makeWorkdir(StageState state, Instruction.Workdir instruction, String path)
      throws IOException, BuildException {
    try {
      Accounts accounts = Accounts.read(state.files()::readSmall);
      Accounts.Owner owner = accounts.owner(state.config().user());
      var made =
          new CopyPlan(
              state.files()::lookup,
              new CopyPlan.DirectoryMaker(0755, owner.uid(), owner.gid(), state.time()));
      Resolved target = made.resolve(path);
      if (!target.exists()) {
        made.directory(target.path());
      } else if (made.lookup(target.real()).filter(e -> !e.isDirectory()).isPresent()) {
        throw new Conflict("\"/%s\" is there and is no directory".formatted(path));
      }
      return session.write(made, state);
    } catch (Conflict e) {
      throw StepProblems.at(instruction.path().range(), e);
    } catch (Accounts.UnknownAccount e) {
      throw StepProblems.at(instruction.path().range(), "USER: " + e.getMessage(), null);
    }
  }
}
