package build.kiln.runtime.sandbox;

import static org.junit.jupiter.api.Assumptions.abort;

import build.kiln.api.v1alpha1.Isolation;
import java.io.IOException;
import java.util.List;

/** A tier to test, with a scratch directory of its own; the test is skipped where it fails. */
record TestSandbox(Sandbox sandbox, TestRoots own) implements AutoCloseable {
  static TestSandbox choose(Isolation tier) throws IOException, InterruptedException {
    TestRoots own = new TestRoots();
    SandboxConfig config = SandboxConfig.of(own.scratch(), true);
    try {
      return new TestSandbox(
          tier == Isolation.Chroot
              ? new ChrootProbe(config, HostFiles.read(config)).choose("the test asked for it")
              : Sandboxes.choose(tier, config),
          own);
    } catch (SandboxException e) {
      own.close();
      return abort(tier + " does not work on this machine: " + e.getMessage());
    }
  }

  /** Namespaces by this very recipe. */
  static TestSandbox recipe(Recipe recipe) throws IOException, InterruptedException {
    TestSandbox strongest = choose(Isolation.Namespaces);
    SandboxConfig config = SandboxConfig.of(strongest.own.scratch(), false);
    try {
      return new TestSandbox(
          new NamespacesProbe(config, HostFiles.read(config)).choose(List.of(recipe)),
          strongest.own);
    } catch (SandboxException e) {
      strongest.close();
      return abort(recipe + " does not work on this machine: " + e.getMessage());
    }
  }

  @Override
  public void close() throws IOException {
    own.close();
  }
}
