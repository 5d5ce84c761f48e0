package build.kiln.runtime.build;

import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxException;

/** Gives the sandbox for RUN steps; asked only when a step must really run. */
@FunctionalInterface
public interface SandboxSource {
  Sandbox get() throws SandboxException, InterruptedException;

  /**
   * Whether RUN steps can be had at all: if not, a Dockerfile whose reachable stages have one is
   * refused before anything is done.
   */
  default boolean canRun() {
    return true;
  }

  /** No RUN steps: {@link build.kiln.api.v1alpha1.Isolation#NoRun}. */
  static SandboxSource none(Sandbox none) {
    return new SandboxSource() {
      @Override
      public Sandbox get() {
        return none;
      }

      @Override
      public boolean canRun() {
        return false;
      }
    };
  }
}
