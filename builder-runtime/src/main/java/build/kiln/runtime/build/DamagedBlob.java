package build.kiln.runtime.build;

import java.io.IOException;

/** A blob of the local store was damaged, and is removed. */
final class DamagedBlob extends IOException {
  DamagedBlob(BuildException cause) {
    super(cause);
  }
}
