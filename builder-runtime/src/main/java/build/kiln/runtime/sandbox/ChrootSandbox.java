package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.posix.SignalScope;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs steps by chroot(2), which needs nothing but root. What keeps a step in: it has no capability
 * to change its root again, to make devices or to trace; the kernel makes no user namespace for who
 * is in a chroot; and where the kernel has Landlock's signal scope, it cannot signal the builder.
 * It has no /proc, and it shares the builder's PID, IPC and network namespaces.
 *
 * <p>The capabilities have to go after the chroot, so by a program in the root: a copy of
 * setpriv(1), with its libraries, put there anew for each step.
 */
final class ChrootSandbox implements Sandbox {
  private final ChrootTools tools;
  private final HostFiles hostFiles;
  private final boolean deviceNodes;
  private final boolean scoped;
  private final String description;

  /**
   * @param deviceNodes whether mknod(2) makes devices that can be opened
   * @param scoped whether steps get a signal scope, and so no setuid programs
   */
  ChrootSandbox(
      ChrootTools tools,
      HostFiles hostFiles,
      boolean deviceNodes,
      boolean scoped,
      String description) {
    this.tools = tools;
    this.hostFiles = hostFiles;
    this.deviceNodes = deviceNodes;
    this.scoped = scoped;
    this.description = description;
  }

  @Override
  public Isolation tier() {
    return Isolation.Chroot;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public boolean overlay() {
    return false;
  }

  @Override
  public boolean mounts() {
    return false;
  }

  @Override
  public int run(RootSpec root, Command command, Output output)
      throws SandboxException, InterruptedException {
    Path path =
        switch (root) {
          case RootSpec.Directory d -> d.path();
          case RootSpec.Overlay o ->
              throw new SandboxException(
                  SandboxException.Code.UNSUPPORTED, "the chroot tier mounts no overlay");
        };
    if (command.argv().get(0).contains("=")) {
      throw new SandboxException(
          SandboxException.Code.UNSUPPORTED,
          "the chroot tier cannot run a program with '=' in its name: " + command.argv().get(0));
    }
    if (command.offline() || !command.mounts().isEmpty()) {
      throw new SandboxException(
          SandboxException.Code.UNSUPPORTED, "the chroot tier has no mounts and no networks");
    }
    try {
      path = path.toRealPath();
      try (ChrootRoot prepared = ChrootRoot.prepare(path, tools, hostFiles, deviceNodes, command)) {
        return run(path, command, output);
      }
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.START_FAILED,
          "cannot prepare the root for "
              + command.argv().get(0)
              + " in the chroot tier: "
              + e.getMessage(),
          e);
    }
  }

  private int run(Path root, Command command, Output output)
      throws IOException, SandboxException, InterruptedException {
    Stragglers stragglers = Stragglers.of(root);
    var session = new Session(tools.setsid());
    StepProcess.Ended ended =
        StepProcess.run(
            tools.launch(root, command),
            scoped ? ChrootSandbox.inScope(session) : session,
            StepProcess.Setup.NONE,
            output,
            stragglers::kill);
    if (!ended.launched()) {
      throw new SandboxException(
          SandboxException.Code.START_FAILED,
          "cannot start "
              + command.argv().get(0)
              + " in the chroot tier: "
              + (ended.message().isEmpty()
                  ? "the launcher ended with code " + ended.code()
                  : ended.message()));
    }
    return ended.code();
  }

  /** Processes inherit the scope of the thread that starts them; the thread ends with that. */
  private static StepProcess.Starter inScope(Session session) {
    return argv ->
        startScoped(
            () -> {
              SignalScope.enter();
              return session.start(argv);
            });
  }

  private static Process startScoped(Callable<Process> start) throws IOException {
    var task = new FutureTask<>(start);
    Thread.ofPlatform().daemon().name("step-scope").start(task);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          // The process has to be known first, or nobody could end it.
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new IllegalStateException(e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
