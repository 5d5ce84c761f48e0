package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** Removes mount points that a step left as empty as they were made. */
final class EmptyEntries {
  private EmptyEntries() {}

  /**
   * Removes those of these entries that are empty directories or empty files.
   *
   * @param paths beneath the root, the outer ones first; the step may have put anything there
   */
  static void remove(DirectoryHandle root, List<String> paths) throws IOException {
    for (String path : paths.reversed()) {
      Optional<DirectoryHandle> found = parent(root, path);
      if (found.isPresent()) {
        try (DirectoryHandle parent = found.get()) {
          removeEmpty(parent, LayerPaths.name(path));
        }
      }
    }
  }

  private static Optional<DirectoryHandle> parent(DirectoryHandle root, String path)
      throws IOException {
    try {
      return Optional.of(DirectoryCache.open(root, LayerPaths.parent(path)));
    } catch (PosixException e) {
      return switch (e.errno()) {
        case ENOENT, ENOTDIR, ELOOP -> Optional.empty();
        default -> throw e;
      };
    }
  }

  private static void removeEmpty(DirectoryHandle parent, String name) throws IOException {
    Optional<FileStatus> status = parent.find(name);
    if (status.isEmpty()) {
      return;
    }
    FileStatus before = parent.status();
    if (status.get().isDirectory()) {
      try {
        parent.removeDirectory(name);
      } catch (PosixException e) {
        if (e.errno() == Errno.ENOTEMPTY) {
          return;
        }
        throw e;
      }
    } else if (status.get().type() == FileType.FILE && status.get().size() == 0) {
      parent.unlink(name);
    } else {
      return;
    }
    parent.setTimes(before.mtimeSeconds(), before.mtimeNanos());
  }
}
