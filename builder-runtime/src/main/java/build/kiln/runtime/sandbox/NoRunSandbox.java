package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;

/** Runs nothing: for Dockerfiles without RUN, which need no isolation. */
record NoRunSandbox(String description) implements Sandbox {
  @Override
  public Isolation tier() {
    return Isolation.NoRun;
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
  public int run(RootSpec root, Command command, Output output) throws SandboxException {
    throw new SandboxException(
        SandboxException.Code.UNSUPPORTED,
        "cannot run "
            + command.argv().get(0)
            + ": RUN is not possible here ("
            + description
            + "); use a Dockerfile whose reachable stages have no RUN, or a stronger isolation");
  }
}
