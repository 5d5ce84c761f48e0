package build.kiln.runtime.build;

import build.kiln.runtime.dockerfile.Mount;
import build.kiln.runtime.dockerfile.SourceRange;
import build.kiln.runtime.rootfs.MountPoint;
import build.kiln.runtime.sandbox.StepMount;
import java.io.IOException;

/** One mount of a RUN. */
interface RunMount {
  /** Where it stands in the Dockerfile. */
  SourceRange range();

  /** The target as written, against the working directory; empty for none, or for the root. */
  String written();

  /** Whether it makes no sense without a target. */
  default boolean needsTarget() {
    return true;
  }

  /** Whether a directory is mounted; known once it is open. */
  boolean isDirectory();

  /** Adds what of it decides the step's result. */
  void addTo(KeyHash hash) throws IOException;

  /**
   * Adds what decides the step's result and more, but is cheap to get.
   *
   * @return false if there is no such thing
   */
  default boolean addQuicklyTo(KeyHash hash) throws IOException {
    addTo(hash);
    return true;
  }

  /** By this the mounts of a step are opened. */
  default String openingOrder() {
    return "";
  }

  /**
   * Gets hold of what is to be mounted.
   *
   * @param mounting whether the sandbox can mount it
   * @return false if there is nothing to mount
   */
  boolean open(StepMounts made, boolean mounting, BuildProgress.Activity activity)
      throws IOException, BuildException, InterruptedException;

  /** Mounts it, where the sandbox can. */
  void mount(MountTarget target, StepMounts made) throws IOException, BuildException;

  /** Places it in the root, where the sandbox cannot mount. */
  void place(MountTarget target, StepMounts made) throws IOException, BuildException;

  /**
   * The target of a mount that has no default for it: the working directory, as BuildKit has it.
   */
  static String written(Mount mount, String workdir) {
    return Paths.absolute(workdir, mount.target() == null ? "" : mount.target());
  }

  /** Adds a mount and the point for it, if that is a place in the root. */
  static void add(MountTarget target, boolean directory, StepMount mount, StepMounts made) {
    if (target.inDevices()) {
      made.mount(mount);
    } else {
      made.mount(new MountPoint(target.path(), directory, null), mount);
    }
  }
}
