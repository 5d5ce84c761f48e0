package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Where a step sees something that is no part of its root. It is made where the root has nothing
 * there, with the directories above it; after the step they go again, unless the step left
 * something in them.
 *
 * @param path relative to the root, without symbolic links, never the root itself
 * @param directory whether what is seen is a directory; else it is a file
 * @param content put there for where nothing can be mounted; null if the sandbox mounts
 */
public record MountPoint(String path, boolean directory, @Nullable Content content) {

  /** What a step sees at a place, for where nothing can be mounted. */
  @FunctionalInterface
  public interface Content {
    /** Puts it there; nothing has the name. */
    void place(DirectoryHandle parent, String name) throws IOException;

    /** Takes it away again; the step may have removed it, or put something else there. */
    default void take(DirectoryHandle parent, String name) throws IOException {
      // It is removed like anything that is left there.
    }
  }
}
