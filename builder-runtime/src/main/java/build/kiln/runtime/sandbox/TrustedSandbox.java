package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One that worked in an earlier process. Once a step does not start in it, or ends as one that
 * could not be executed, it is tried for sure; where the same kind works in another way, that is
 * taken.
 */
final class TrustedSandbox implements Sandbox {
  /** What a shell says of a command that it may not execute, and of one that it does not find. */
  private static final Set<Integer> NOT_EXECUTED = Set.of(126, 127);

  private final Sandbox trusted;
  private final Trial trial;
  private volatile @Nullable Sandbox works;

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
    Sandbox tried = works;
    return (tried == null ? trusted : tried).description();
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
    Sandbox tried = works;
    if (tried != null) {
      return tried.run(root, command, output);
    }
    int code;
    try {
      code = trusted.run(root, command, output);
    } catch (SandboxException e) {
      if (e.code() != SandboxException.Code.START_FAILED) {
        throw e;
      }
      // Nothing of it was started.
      return tried(e).run(root, command, output);
    }
    if (NOT_EXECUTED.contains(code)) {
      tried(
          new SandboxException(
              SandboxException.Code.START_FAILED, command.argv().getFirst() + " was not executed"));
    }
    return code;
  }

  /**
   * What works, tried once.
   *
   * @throws SandboxException the failure, if nothing of the same kind does
   */
  private synchronized Sandbox tried(SandboxException failure)
      throws SandboxException, InterruptedException {
    Sandbox found = works;
    if (found != null) {
      return found;
    }
    try {
      found = trial.choose();
    } catch (SandboxException e) {
      failure.addSuppressed(e);
      throw failure;
    }
    if (found.tier() != tier() || found.overlay() != overlay() || found.mounts() != mounts()) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE,
          failure.getMessage()
              + "; how steps can be isolated has changed since the last build, now it is "
              + found.description()
              + ": build again",
          failure);
    }
    works = found;
    return found;
  }
}
