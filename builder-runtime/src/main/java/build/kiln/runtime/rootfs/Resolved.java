package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;

/**
 * Where a path leads once its symbolic links are followed.
 *
 * @param real the deepest part of it that is there, without symbolic links; the root is {@code ""}
 * @param missing what is not there, below {@code real}; {@code ""} if all of it is
 */
public record Resolved(String real, String missing) {
  /** Whether all of the path is there. */
  public boolean exists() {
    return missing.isEmpty();
  }

  /** Where the path would be. */
  public String path() {
    return missing.isEmpty() ? real : LayerPaths.join(real, missing);
  }
}
