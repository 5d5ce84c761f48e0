package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A directory: one of the workspace, or a layer that is kept.
 *
 * @param base a handle of a directory above it
 * @param folder that directory
 * @param path of this one beneath
 */
record Place(DirectoryHandle base, Path folder, String path) {
  /** A directory in it. */
  Place below(String name) {
    return new Place(base, folder, path + "/" + name);
  }

  DirectoryHandle open() throws IOException {
    return DirectoryCache.open(base, path);
  }

  Path onDisk() {
    return folder.resolve(path);
  }
}
