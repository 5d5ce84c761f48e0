package build.kiln.runtime.sandbox;

import build.kiln.runtime.rootfs.RootSpec;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs {@code true} in a sandbox. */
final class Probe {
  private Probe() {}

  /**
   * @param program the builder's own {@code true}, copied into the root's top
   * @throws SandboxException if it did not run, or ended otherwise
   */
  static void run(Sandbox sandbox, RootSpec root, PortableProgram program)
      throws SandboxException, InterruptedException {
    var output = new StringBuilder();
    Command command =
        new Command(program.command("/.", List.of()), List.of(), "/", 0, 0, List.of());
    int code =
        sandbox.run(
            root,
            command,
            (bytes, length) -> output.append(new String(bytes, 0, length, StandardCharsets.UTF_8)));
    if (code != 0) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE,
          "'true' ended with code " + code + ": " + output.toString().strip());
    }
  }
}
