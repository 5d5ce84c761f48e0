package build.kiln.runtime.sandbox;

import build.kiln.api.v1alpha1.Isolation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Chooses how steps are run: tries, never assumes. */
public final class Sandboxes {
  private Sandboxes() {}

  /** Tries all anew. */
  public static Sandbox choose(Isolation requested, SandboxConfig config)
      throws SandboxException, InterruptedException {
    return choose(requested, config, Earlier.NOTHING);
  }

  /**
   * The strongest sandbox that works here and is no weaker than requested. Removes what an earlier
   * builder left in the scratch directory.
   *
   * @param earlier what is tried only if it is not known
   * @param requested {@code Auto} falls back to chroot only if the configuration allows it, and to
   *     {@code NoRun} at last
   * @throws SandboxException UNAVAILABLE if there is none; its message says why of each tier
   */
  public static Sandbox choose(Isolation requested, SandboxConfig config, Earlier earlier)
      throws SandboxException, InterruptedException {
    if (requested == Isolation.NoRun) {
      return new NoRunSandbox("no run: asked for");
    }
    HostFiles hostFiles;
    try {
      StepDirectory.removeOld(config.scratch());
      hostFiles = HostFiles.read(config);
    } catch (IOException e) {
      throw new SandboxException(
          SandboxException.Code.UNAVAILABLE,
          "cannot prepare the scratch directory " + config.scratch() + ": " + e.getMessage(),
          e);
    }
    List<String> reasons = new ArrayList<>();
    try {
      return new NamespacesProbe(config, hostFiles).choose(earlier);
    } catch (SandboxException e) {
      reasons.add("namespaces: " + e.getMessage());
    }
    if (requested == Isolation.Chroot || (requested == Isolation.Auto && config.allowChroot())) {
      try {
        return new ChrootProbe(config, hostFiles).choose(String.join("; ", reasons));
      } catch (SandboxException e) {
        reasons.add("chroot: " + e.getMessage());
      }
    } else if (requested == Isolation.Auto) {
      reasons.add("chroot: not allowed by the installation");
    }
    if (requested == Isolation.Auto) {
      return new NoRunSandbox("no run; " + String.join("; ", reasons));
    }
    throw new SandboxException(
        SandboxException.Code.UNAVAILABLE,
        "isolation "
            + requested
            + " does not work here: "
            + String.join("; ", reasons)
            + "; see the pod shapes in the documentation, or allow a weaker isolation");
  }
}
