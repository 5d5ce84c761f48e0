package build.kiln.runtime.build;

import build.kiln.runtime.sandbox.Sandbox;
import build.kiln.runtime.sandbox.SandboxException;

/** Gives the sandbox for RUN steps; asked only when a step must really run. */
@FunctionalInterface
public interface SandboxSource {
  Sandbox get() throws SandboxException, InterruptedException;
}
