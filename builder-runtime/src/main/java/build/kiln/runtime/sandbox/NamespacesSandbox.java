package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs steps in namespaces of their own. unshare(1) makes a user and a mount namespace, whose ID
 * maps this process writes; a shell in them mounts the overlay, which old crun cannot, and hides
 * the cgroups, whose hybrid form no crun accepts though none is used; then crun makes the rest.
 * Whatever happens to the builder, the shell ends the step with it.
 */
final class NamespacesSandbox implements Sandbox {
  private final SandboxConfig config;
  private final NamespaceTools tools;
  private final Recipe recipe;
  private final boolean overlay;
  private final String description;
  private final HostFiles hostFiles;
  private final OwnIds ids;

  NamespacesSandbox(
      SandboxConfig config,
      NamespaceTools tools,
      Recipe recipe,
      boolean overlay,
      String description,
      HostFiles hostFiles,
      OwnIds ids) {
    this.config = config;
    this.tools = tools;
    this.recipe = recipe;
    this.overlay = overlay;
    this.description = description;
    this.hostFiles = hostFiles;
    this.ids = ids;
  }

  @Override
  public Isolation tier() {
    return Isolation.Namespaces;
  }

  @Override
  public String description() {
    return description;
  }

  @Override
  public boolean overlay() {
    return overlay;
  }

  @Override
  public boolean mounts() {
    return true;
  }

  @Override
  public int run(RootSpec root, Command command, Output output)
      throws SandboxException, InterruptedException {
    checkIds(command);
    try (StepDirectory step = StepDirectory.create(config.scratch())) {
      return run(step.path(), root, command, output);
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.START_FAILED,
          "cannot prepare namespaces for " + command.argv().get(0) + ": " + e.getMessage(),
          e);
    }
  }

  private void checkIds(Command command) throws SandboxException {
    List<Integer> gids = new ArrayList<>(command.groups());
    gids.add(command.gid());
    Optional<Integer> missing = gids.stream().filter(gid -> !ids.groups().has(gid)).findFirst();
    if (!ids.users().has(command.uid()) || missing.isPresent()) {
      throw new SandboxException(
          SandboxException.Code.UNSUPPORTED,
          "cannot run as user "
              + command.uid()
              + " with groups "
              + gids
              + ": "
              + ids.users().size()
              + " users and "
              + ids.groups().size()
              + " groups exist here; give the builder a range of IDs (in a pod: run as root with"
              + " hostUsers: false; at a desk: an entry in /etc/subuid and /etc/subgid)");
    }
  }

  private int run(Path step, RootSpec root, Command command, Output output)
      throws IOException, SandboxException, InterruptedException {
    String options = "";
    Path path =
        switch (root) {
          case RootSpec.Overlay o -> {
            options = overlayOptions(step, o);
            yield Files.createDirectory(step.resolve("merged"));
          }
          case RootSpec.Directory d -> d.path().toRealPath();
        };
    byte[] json =
        new OciBundle(step, ids.groups(), hostFiles, ProcessHandle.current().pid())
            .write(
                path,
                recipe,
                Objects.requireNonNullElse(command.hostName(), config.hostName()),
                command);
    Files.createDirectory(step.resolve(NamespaceTools.SECRETS));
    var secrets = LauncherSecrets.of(command, json);
    if (!secrets.holdConfig()) {
      Files.write(step.resolve(NamespaceTools.CONFIG), json);
    }
    var head = new OutputHead(output);
    StepProcess.Ended ended =
        StepProcess.run(
            tools.launch(recipe, step, options, secrets),
            new Session(tools.setsid()),
            new LauncherSetup(ids, secrets),
            head,
            () -> {});
    if (Files.exists(step.resolve(NamespaceTools.PID_FILE))) {
      return ended.code() == CrunFailure.CODE
          ? CrunFailure.ofExec(head.text()).orElse(ended.code())
          : ended.code();
    }
    return CrunFailure.ofStart(readIfThere(step.resolve(NamespaceTools.LOG)))
        .orElseThrow(() -> startFailed(step, command, ended));
  }

  /** Gives the launcher its IDs, and then the secrets. */
  private record LauncherSetup(OwnIds ids, LauncherSecrets secrets) implements StepProcess.Setup {
    @Override
    public void prepare(long pid) throws IOException {
      ids.write(pid);
    }

    @Override
    public void tell(OutputStream launcher) throws IOException {
      secrets.tell(launcher);
    }
  }

  /** Short names, since options of mount(2) have to fit a page, and paths may have commas. */
  private static String overlayOptions(Path step, RootSpec.Overlay root) throws IOException {
    List<String> lowers = new ArrayList<>();
    for (Path lower : root.lowers()) {
      String name = "l" + lowers.size();
      Files.createSymbolicLink(step.resolve(name), lower.toAbsolutePath());
      lowers.add(name);
    }
    Files.createSymbolicLink(step.resolve("u"), root.upper().toAbsolutePath());
    Files.createSymbolicLink(step.resolve("w"), root.work().toAbsolutePath());
    String options = "lowerdir=" + String.join(":", lowers) + ",upperdir=u,workdir=w";
    if (!root.userXattr()) {
      return options;
    }
    forgetVolatile(root.work());
    // Volatile (Linux 5.10, older than userxattr): else the kernel writes all of the file system to
    // its disk when the step ends.
    return options + ",userxattr,volatile";
  }

  /**
   * Takes away what an earlier run in this root left to say that nothing of it is on the disk yet,
   * which matters only after the machine went down. Overlay mounts no such root else.
   */
  private static void forgetVolatile(Path work) throws IOException {
    try (DirectoryHandle directory = DirectoryHandle.open(work)) {
      TreeRemover.removeContents(directory);
    }
  }

  private SandboxException startFailed(Path step, Command command, StepProcess.Ended ended) {
    String reason =
        Stream.of(
                ended.message(),
                readIfThere(step.resolve(NamespaceTools.ERRORS)),
                readIfThere(step.resolve(NamespaceTools.LOG)))
            .filter(text -> !text.isEmpty())
            .map(text -> text.lines().distinct().collect(Collectors.joining(", ")))
            .collect(Collectors.joining("; "));
    return new SandboxException(
        SandboxException.Code.START_FAILED,
        "cannot start "
            + command.argv().get(0)
            + " in namespaces ("
            + recipe
            + "): "
            + (reason.isEmpty() ? "the launcher ended with code " + ended.code() : reason));
  }

  private static String readIfThere(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file).strip() : "";
    } catch (IOException e) {
      return "cannot read " + file + ": " + e.getMessage();
    }
  }
}
