package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * A builder as a process of its own: chooses a sandbox and runs one shell script in it. Arguments:
 * tier, scratch directory, script, then a directory, or a lower, an upper and a work directory.
 */
public final class RunOnce {
  /** In place of a tier: chroot even where namespaces work. */
  static final String CHROOT_ONLY = "ChrootOnly";

  private RunOnce() {}

  public static void main(String[] args) throws Exception {
    SandboxConfig config = SandboxConfig.of(Path.of(args[1]), true);
    Sandbox sandbox =
        args[0].equals(CHROOT_ONLY)
            ? new ChrootProbe(config, HostFiles.read(config)).choose("the test asked for it")
            : Sandboxes.choose(Isolation.valueOf(args[0]), config);
    System.err.println(sandbox.description());
    RootSpec root =
        args.length == 4
            ? new RootSpec.Directory(Path.of(args[3]))
            : new RootSpec.Overlay(
                List.of(Path.of(args[3])), Path.of(args[4]), Path.of(args[5]), true);
    int code =
        sandbox.run(
            root,
            new Command(List.of("/bin/sh", "-c", args[2]), Ran.ENV, "/", 0, 0, List.of()),
            (bytes, length) -> {
              System.out.write(bytes, 0, length);
              System.out.flush();
            });
    System.exit(code);
  }
}
