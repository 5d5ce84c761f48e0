package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.SignalScope;
import build.kiln.runtime.rootfs.RootSpec;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Runs {@code true} in a chroot, and finds out what else there is. */
final class ChrootProbe {
  private static final String WITHOUT_SCOPE =
      "a step can signal the builder, since the kernel has no signal scope of Landlock (Linux"
          + " 6.12)";

  private final SandboxConfig config;
  private final HostFiles hostFiles;

  ChrootProbe(SandboxConfig config, HostFiles hostFiles) {
    this.config = config;
    this.hostFiles = hostFiles;
  }

  /**
   * The chroot tier, if it works.
   *
   * @param notStronger why not namespaces
   * @throws SandboxException UNAVAILABLE with the reason if it does not
   */
  Sandbox choose(String notStronger) throws SandboxException, InterruptedException {
    Programs programs = new Programs(config.searchPath());
    try (StepDirectory directory = StepDirectory.create(config.scratch())) {
      ChrootTools tools = ChrootTools.find(programs);
      PortableProgram program = PortableProgram.of(programs.require("true", "coreutils"));
      boolean deviceNodes = deviceNodes(directory.path());
      boolean scoped = SignalScope.supported();
      String description =
          "chroot: own root without CAP_SYS_CHROOT and CAP_MKNOD, no /proc; "
              + (scoped ? "own signal scope, so no setuid programs" : WITHOUT_SCOPE)
              + (deviceNodes ? "" : "; plain files for devices")
              + "; not stronger, because "
              + notStronger;
      var sandbox = new ChrootSandbox(tools, hostFiles, deviceNodes, scoped, description);
      Path root = Files.createDirectory(directory.path().resolve("root"));
      try (DirectoryHandle handle = DirectoryHandle.open(root)) {
        program.copyTo(handle);
      }
      Probe.run(sandbox, new RootSpec.Directory(root), program);
      return sandbox;
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE, "cannot try a chroot: " + e.getMessage(), e);
    }
  }

  /** In a user namespace they cannot be made; on a nodev mount they cannot be opened. */
  private static boolean deviceNodes(Path directory) throws IOException {
    try (DirectoryHandle handle = DirectoryHandle.open(directory)) {
      handle.makeNode("null", FileType.CHARACTER_DEVICE, 0666, 1, 3);
    } catch (PosixException refused) {
      return false;
    }
    try (OutputStream out = Files.newOutputStream(directory.resolve("null"))) {
      out.write(0);
      return true;
    } catch (IOException refused) {
      return false;
    }
  }
}
