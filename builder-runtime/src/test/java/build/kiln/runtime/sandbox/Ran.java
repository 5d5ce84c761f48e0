package build.kiln.runtime.sandbox;

import build.kiln.runtime.rootfs.RootSpec;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a step's command printed, and its exit code. */
record Ran(int code, byte[] output) {
  static final List<String> ENV = List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "MARK=step");

  static Ran command(Sandbox sandbox, RootSpec root, Command command)
      throws SandboxException, InterruptedException {
    var out = new ByteArrayOutputStream();
    int code = sandbox.run(root, command, (bytes, length) -> out.write(bytes, 0, length));
    return new Ran(code, out.toByteArray());
  }

  static Ran argv(Sandbox sandbox, RootSpec root, String... argv)
      throws SandboxException, InterruptedException {
    return command(sandbox, root, new Command(List.of(argv), ENV, "/", 0, 0, List.of()));
  }

  static Ran sh(Sandbox sandbox, RootSpec root, String script)
      throws SandboxException, InterruptedException {
    return argv(sandbox, root, "/bin/sh", "-c", script);
  }

  static Ran shAs(Sandbox sandbox, RootSpec root, int id, String script)
      throws SandboxException, InterruptedException {
    return command(
        sandbox, root, new Command(List.of("/bin/sh", "-c", script), ENV, "/", id, id, List.of()));
  }

  String out() {
    return new String(output, StandardCharsets.UTF_8).strip();
  }

  @Override
  public String toString() {
    return "exit code " + code + "\n" + out();
  }
}
