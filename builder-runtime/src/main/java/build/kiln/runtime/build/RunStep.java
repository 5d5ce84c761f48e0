package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.Accounts.Identity;
import build.kiln.runtime.build.BuildException.FailedStep;
import build.kiln.runtime.cache.StepInputs;
import build.kiln.runtime.dockerfile.CommandLine;
import build.kiln.runtime.dockerfile.Instruction.Run;
import build.kiln.runtime.dockerfile.PredefinedArguments;
import build.kiln.runtime.dockerfile.RunScript;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.rootfs.Snapshots;
import build.kiln.runtime.rootfs.Snapshots.Snapshot;
import build.kiln.runtime.sandbox.Command;
import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxException;
import build.kiln.runtime.sandbox.StepFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** One RUN: what it depends on, and running it. */
final class RunStep {
  private final BuildSession session;
  private final StageState state;
  private final Run run;
  private final List<String> argv;
  private final List<StepFile> files;
  private final RunMounts mounts;

  RunStep(BuildSession session, StageState state, Run run, RunMounts mounts) {
    this.mounts = mounts;
    this.session = session;
    this.state = state;
    this.run = run;
    CommandLine command;
    switch (run.script()) {
      case RunScript.Command c -> {
        command = c.command();
        files = List.of();
      }
      case RunScript.Program p -> {
        command = p.command();
        files =
            List.of(
                new StepFile(
                    RunScript.DIRECTORY + "/" + p.fileName(),
                    p.content().getBytes(StandardCharsets.UTF_8),
                    0755));
      }
    }
    this.argv = command.arguments(state.config().shell());
  }

  /** What the history says: the arguments that the command saw, then the command. */
  String createdBy() {
    List<String> args = state.visibleArgs();
    String seen = args.isEmpty() ? "" : "|" + args.size() + " " + String.join(" ", args) + " ";
    return "RUN " + seen + String.join(" ", argv);
  }

  /**
   * A hash that is cheap to get where mounts show files of stages or images; empty if there are
   * none.
   */
  Optional<String> quickKey() throws IOException {
    if (!mounts.haveQuickKey()) {
      return Optional.empty();
    }
    KeyHash hash = base();
    var more = new KeyHash("run-mounts-chain.1").number(offline() ? 1 : 0);
    return mounts.addQuicklyTo(more) ? Optional.of(hash.add(more.bytes()).hex()) : Optional.empty();
  }

  /** The hash of all that decides the result. Proxies are no part of it. */
  String key() throws IOException {
    KeyHash hash = base();
    if (!mounts.isEmpty() || offline()) {
      var more = new KeyHash("run-mounts.1").number(offline() ? 1 : 0);
      mounts.addTo(more);
      hash.add(more.bytes());
    }
    return hash.hex();
  }

  private KeyHash base() {
    var hash = new KeyHash("run.1").add(state.chain()).add(argv);
    hash.add(new ArrayList<>(state.environment().entrySet().stream().map(RunStep::text).toList()));
    hash.add(workdir()).add(state.config().user());
    files.forEach(f -> hash.add(f.path()).add(f.content()).number(f.mode()));
    session.sourceDateEpoch().ifPresent(hash::number);
    String hostName = hostName();
    return hostName == null ? hash : hash.add("host name").add(hostName);
  }

  private String workdir() {
    return "/" + Paths.absolute("/", state.config().workdir());
  }

  private @Nullable String hostName() {
    return session.request().buildArgs().get(PredefinedArguments.HOST_NAME);
  }

  private boolean offline() {
    return run.network().text().equals("none");
  }

  /** What the key is made of. */
  void describe(StepInputs.Builder inputs) throws IOException {
    mounts.describe(inputs);
    inputs
        .words(String.join("\0", argv))
        .variables(state.values(), state.config().env())
        .setting("the shell", String.join("\0", state.config().shell()))
        .setting("the user", state.config().user())
        .setting("the working directory", state.config().workdir());
    String hostName = hostName();
    if (hostName != null) {
      inputs.setting("the host name", hostName);
    }
  }

  private static String text(Map.Entry<String, String> variable) {
    return variable.getKey() + "=" + variable.getValue();
  }

  /** Runs the command and makes a layer of what it changed. */
  Layer execute(BuildProgress.Activity activity)
      throws IOException, BuildException, InterruptedException {
    // To pull layers, or to read what they hold, takes as long as trying how to isolate.
    FutureTask<Identity> identity = identity();
    try (LayerPulls pulls = state.files().begin()) {
      return execute(activity, sandbox(), identity, pulls);
    }
  }

  private Layer execute(
      BuildProgress.Activity activity,
      Sandbox sandbox,
      FutureTask<Identity> identity,
      LayerPulls pulls)
      throws IOException, BuildException, InterruptedException {
    if (offline() && !sandbox.mounts()) {
      throw new BuildException(
          FailureReason.IsolationUnavailable,
          StepProblems.text(
              run.network().range(),
              "RUN --network=none needs a network namespace, which the tier "
                  + sandbox.tier()
                  + " cannot make",
              "build with an isolation of Namespaces"));
    }
    if (hostName() != null && !sandbox.mounts()) {
      activity.note(
          "the tier " + sandbox.tier() + " has no host name of its own to be " + hostName());
    }
    Snapshots snapshots = session.snapshots(sandbox);
    // Mounts look for their targets in the layers, whose indexes come of unpacking them.
    state.files().load(snapshots, pulls);
    try (StepMounts made = mounts.prepare(sandbox.mounts(), activity);
        Snapshot snapshot = snapshots.prepare(state.files().layers(), made.points())) {
      Command command = command(made, identity);
      var tail = new LogTail();
      int exit;
      try {
        exit = run(sandbox, snapshot, command, tail, activity);
      } finally {
        snapshot.stepEnded();
      }
      if (exit != 0) {
        throw machineProblem(null).orElseGet(() -> failed(exit, tail));
      }
      Layer layer = session.write(snapshot.changes(), state);
      if (session.sourceDateEpoch().isPresent()) {
        snapshot.commitAltered(layer);
      } else {
        snapshot.commit(layer);
      }
      return layer;
    }
  }

  private Sandbox sandbox() throws BuildException, InterruptedException {
    try {
      return session.sandbox();
    } catch (SandboxException e) {
      throw noSandbox(e);
    }
  }

  private BuildException noSandbox(SandboxException e) {
    return new BuildException(
        FailureReason.IsolationUnavailable,
        StepProblems.text(run.origin().keyword(), Failures.message(e), null),
        e);
  }

  private int run(
      Sandbox sandbox,
      Snapshot snapshot,
      Command command,
      LogTail tail,
      BuildProgress.Activity activity)
      throws BuildException, InterruptedException {
    try {
      return sandbox.run(
          snapshot.root(),
          command,
          (bytes, length) -> {
            tail.add(bytes, length);
            activity.output(Arrays.copyOf(bytes, length));
          });
    } catch (SandboxException e) {
      throw machineProblem(e).orElseGet(() -> noSandbox(e));
    }
  }

  /**
   * Why a command that failed could not have run at all: it is of another platform. Asked only
   * then, since what a stage says of its platform need not be what its programs are.
   */
  private Optional<BuildException> machineProblem(@Nullable SandboxException cause)
      throws InterruptedException {
    Platform platform = state.config().platform();
    Platform host = Platform.host();
    if (platform.architecture().equals(host.architecture()) || session.runs(platform)) {
      return Optional.empty();
    }
    String message =
        "a RUN of %s cannot be executed on this machine, which is %s (exec format error)"
            .formatted(platform, host);
    return Optional.of(
        new BuildException(
            FailureReason.StepFailed,
            StepProblems.text(
                run.origin().keyword(),
                message,
                "build it on such a machine, install an emulator on this one (binfmt_misc, as with"
                    + " tonistiigi/binfmt), or cross-build in a stage with FROM"
                    + " --platform=$BUILDPLATFORM"),
            cause));
  }

  /**
   * Beside other work, unless a layer would have to be read for it: unpacking tells what it has.
   */
  private FutureTask<Identity> identity() throws IOException {
    StageFiles stageFiles = state.files();
    String user = state.config().user();
    var task = new FutureTask<>(() -> Accounts.read(stageFiles::readSmall).identity(user));
    if (stageFiles.isIndexed()) {
      Thread.ofPlatform().daemon().name("kiln-step-user").start(task);
    }
    return task;
  }

  private Identity await(FutureTask<Identity> identity)
      throws IOException, BuildException, InterruptedException {
    try {
      // Does nothing if it was begun.
      identity.run();
      return identity.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case Accounts.UnknownAccount unknown ->
            throw StepProblems.at(run.origin().keyword(), "USER: " + unknown.getMessage(), null);
        case IOException io -> throw io;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  private Command command(StepMounts made, FutureTask<Identity> running)
      throws IOException, BuildException, InterruptedException {
    Identity identity = await(running);
    Map<String, String> env = state.environment();
    env.putIfAbsent("PATH", ConfigDraft.DEFAULT_PATH);
    env.putIfAbsent("HOME", identity.home());
    session.request().proxies().forEach(env::putIfAbsent);
    env.putAll(PredefinedArguments.proxies(session.request().buildArgs()));
    env.putAll(made.environment());
    made.variables().forEach(variable -> env.remove(variable.name()));
    return new Command(
        argv,
        env.entrySet().stream().map(RunStep::text).toList(),
        workdir(),
        identity.uid(),
        identity.gid(),
        identity.groups(),
        files,
        made.mounts(),
        made.variables(),
        offline(),
        hostName());
  }

  private BuildException failed(int exit, LogTail tail) {
    String how = exit > 128 && exit < 160 ? " (signal %d)".formatted(exit - 128) : "";
    String what = "the command exited with code %d%s".formatted(exit, how);
    return new BuildException(
        FailureReason.StepFailed,
        StepProblems.text(run.origin().keyword(), what, "its last output tells why"),
        null,
        new FailedStep(StepProblems.oneLine(run.original()), exit, tail.text()));
  }
}
