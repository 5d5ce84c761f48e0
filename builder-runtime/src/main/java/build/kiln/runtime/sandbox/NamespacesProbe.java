package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs {@code true} by each recipe, on an overlay and then on a plain directory. */
final class NamespacesProbe {
  private static final Recipe STRONGEST = Recipe.NEW_PROC;

  private final SandboxConfig config;
  private final HostFiles hostFiles;

  NamespacesProbe(SandboxConfig config, HostFiles hostFiles) {
    this.config = config;
    this.hostFiles = hostFiles;
  }

  /**
   * The strongest that works. If that is the strongest of all, and was so in the same circumstances
   * before, it is not tried.
   *
   * @throws SandboxException UNAVAILABLE if none does; says why of each
   */
  Sandbox choose(Earlier earlier) throws SandboxException, InterruptedException {
    NamespaceTools tools = NamespaceTools.find(new Programs(config.searchPath()));
    try {
      String circumstances = Circumstances.now(config, tools);
      OwnIds ids = OwnIds.read();
      String strongest = describe(STRONGEST, true, ids, List.of());
      if (earlier.found().filter(circumstances::equals).isPresent()) {
        return new TrustedSandbox(
            new NamespacesSandbox(config, tools, STRONGEST, true, strongest, hostFiles, ids),
            () -> tried(earlier, circumstances, strongest));
      }
      return tried(earlier, circumstances, strongest);
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE, "cannot try namespaces: " + e.getMessage(), e);
    }
  }

  private Sandbox tried(Earlier earlier, String circumstances, String strongest)
      throws SandboxException, InterruptedException {
    boolean keeping = forgotten(earlier);
    Sandbox works = choose();
    if (keeping && works.description().equals(strongest)) {
      try {
        earlier.keep(circumstances);
      } catch (IOException e) {
        // The next process tries again.
        return works;
      }
    }
    return works;
  }

  private static boolean forgotten(Earlier earlier) {
    try {
      if (earlier.found().isPresent()) {
        earlier.forget();
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The strongest that works.
   *
   * @throws SandboxException UNAVAILABLE if none does; says why of each
   */
  Sandbox choose() throws SandboxException, InterruptedException {
    return choose(List.of(Recipe.values()));
  }

  /** As before, of these recipes. */
  Sandbox choose(List<Recipe> recipes) throws SandboxException, InterruptedException {
    Programs programs = new Programs(config.searchPath());
    NamespaceTools tools = NamespaceTools.find(programs);
    try (StepDirectory directory = StepDirectory.create(config.scratch())) {
      OwnIds ids = OwnIds.read();
      PortableProgram program = PortableProgram.of(programs.require("true", "coreutils"));
      List<String> reasons = new ArrayList<>();
      for (boolean overlay : new boolean[] {true, false}) {
        for (Recipe recipe : recipes) {
          String description = describe(recipe, overlay, ids, reasons);
          var sandbox =
              new NamespacesSandbox(config, tools, recipe, overlay, description, hostFiles, ids);
          RootSpec root = root(directory.path(), program, overlay, reasons.size());
          try {
            Probe.run(sandbox, root, program);
            return sandbox;
          } catch (SandboxException e) {
            reasons.add((overlay ? "on an overlay: " : "on a directory: ") + e.getMessage());
          }
        }
      }
      throw new SandboxException(SandboxException.Code.UNAVAILABLE, String.join("; ", reasons));
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE, "cannot try namespaces: " + e.getMessage(), e);
    }
  }

  private static String describe(Recipe recipe, boolean overlay, OwnIds ids, List<String> reasons) {
    return "namespaces: user ("
        + (ids.users().size() == 1 ? "one ID" : ids.users().size() + " IDs")
        + "), mount, pid, ipc, uts; "
        + recipe
        + (overlay ? "; overlay" : "; no overlay")
        + (reasons.isEmpty() ? "" : "; not stronger, because " + String.join("; ", reasons));
  }

  private static RootSpec root(Path directory, PortableProgram program, boolean overlay, int number)
      throws IOException {
    Path root = Files.createDirectory(directory.resolve("root" + number));
    try (DirectoryHandle handle = DirectoryHandle.open(root)) {
      program.copyTo(handle);
    }
    if (!overlay) {
      return new RootSpec.Directory(root);
    }
    return new RootSpec.Overlay(
        List.of(root),
        Files.createDirectory(directory.resolve("upper" + number)),
        Files.createDirectory(directory.resolve("work" + number)),
        true);
  }
}
