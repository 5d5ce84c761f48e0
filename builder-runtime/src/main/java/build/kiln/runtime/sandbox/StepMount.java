package build.kiln.runtime.sandbox;

import java.nio.file.Path;

/** What a step sees at a path of its root and that is no part of the root. */
public sealed interface StepMount {
  /** Absolute, without symbolic links as far as it is there; what it hides is untouched. */
  String target();

  /**
   * A directory or a file of the builder's.
   *
   * @param source absolute, and of a kind that nobody can put a symbolic link into the way of
   */
  record Bind(String target, Path source, boolean readOnly) implements StepMount {}

  /**
   * Memory.
   *
   * @param size at most so many bytes; 0 is as much as there is
   */
  record Tmpfs(String target, long size) implements StepMount {}

  /**
   * A file that is never on a disk, a program's argument or a part of an environment.
   *
   * @param content its bytes; not to be changed by anybody
   * @param mode permission bits
   */
  record Secret(String target, byte[] content, int mode, int uid, int gid) implements StepMount {}
}
