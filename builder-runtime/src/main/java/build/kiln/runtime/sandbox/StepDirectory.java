package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.posix.UniqueNames;
import java.io.IOException;
import java.nio.file.Path;

/** A directory of the builder's own for one step, removed when it ends. */
record StepDirectory(Path parent, Path path) implements AutoCloseable {
  private static final String PREFIX = "step-";

  static StepDirectory create(Path scratch) throws IOException {
    Path parent = scratch.toRealPath();
    return new StepDirectory(parent, UniqueNames.createDirectory(parent, PREFIX));
  }

  /** Removes what a builder left that was killed. */
  static void removeOld(Path scratch) throws IOException {
    try (DirectoryHandle directory = DirectoryHandle.open(scratch)) {
      for (String name : directory.names()) {
        if (name.startsWith(PREFIX)) {
          TreeRemover.remove(directory, name);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    try (DirectoryHandle directory = DirectoryHandle.open(parent)) {
      TreeRemover.remove(directory, parent.relativize(path).toString());
    }
  }
}
