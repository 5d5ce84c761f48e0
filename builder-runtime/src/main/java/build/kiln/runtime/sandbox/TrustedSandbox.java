package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;

/** One that worked in an earlier process; it is tried for sure once a step does not start in it. */
final class TrustedSandbox implements Sandbox {
  private final Sandbox trusted;
  private final Trial trial;
  private boolean tried;

  /** Chooses by trying. */
  @FunctionalInterface
  interface Trial {
    Sandbox choose() throws SandboxException, InterruptedException;
  }

  TrustedSandbox(Sandbox trusted, Trial trial) {
    this.trusted = trusted;
    this.trial = trial;
  }

  @Override
  public Isolation tier() {
    return trusted.tier();
  }

  @Override
  public String description() {
    return trusted.description();
  }

  @Override
  public boolean overlay() {
    return trusted.overlay();
  }

  @Override
  public boolean mounts() {
    return trusted.mounts();
  }

  @Override
  public int run(RootSpec root, Command command, Output output)
      throws SandboxException, InterruptedException {
    try {
      return trusted.run(root, command, output);
    } catch (SandboxException e) {
      if (e.code() == SandboxException.Code.START_FAILED) {
        tryOnce(e);
      }
      throw e;
    }
  }

  /**
   * @throws SandboxException if something else works than was trusted: the next process knows
   */
  private synchronized void tryOnce(SandboxException failure)
      throws SandboxException, InterruptedException {
    if (tried) {
      return;
    }
    tried = true;
    Sandbox works = trial.choose();
    if (!works.description().equals(trusted.description())) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE,
          "how steps can be isolated has changed since the last build ("
              + failure.getMessage()
              + "); now it is "
              + works.description()
              + ": build again",
          failure);
    }
  }
}
