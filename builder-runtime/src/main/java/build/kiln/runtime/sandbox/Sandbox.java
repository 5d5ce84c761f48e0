package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import build.kiln.runtime.rootfs.RootSpec;

/** Runs commands of RUN steps, isolated as its tier says. Thread-safe. */
public interface Sandbox {
  /** The tier; never Auto. */
  Isolation tier();

  /** How isolation is done here and why not stronger, in one line for people. */
  String description();

  /** Whether {@link RootSpec.Overlay} can be run; else only directories. */
  boolean overlay();

  /**
   * Whether {@link Command#mounts} and {@link Command#offline} can be had; else what a step is to
   * see has to lie in its root.
   */
  boolean mounts();

  /**
   * Runs a command to its end. Its standard input is empty; its output goes to {@code output} as it
   * comes. When this thread is interrupted, every process of the step is killed first.
   *
   * @return the exit code; 128 + n if signal n ended it
   * @throws SandboxException if the command could not be started at all
   */
  int run(RootSpec root, Command command, Output output)
      throws SandboxException, InterruptedException;

  /**
   * Takes standard output and standard error, which are one pipe and so in the order in which they
   * were written, in pieces as they come. Called from one thread of the sandbox.
   */
  @FunctionalInterface
  interface Output {
    void write(byte[] bytes, int length);
  }
}
