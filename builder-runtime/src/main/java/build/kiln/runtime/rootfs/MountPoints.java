package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.util.Optional;

/**
 * What a sandbox mounts on or writes to ({@link StepPaths}), made where an image lacks it, so that
 * the sandbox need not: it would be a change of the step.
 */
final class MountPoints {
  private MountPoints() {}

  /** Makes what is missing; the times of directories that are there stay as they are. */
  static void make(DirectoryHandle root) throws IOException {
    FileStatus before = root.status();
    for (String name : StepPaths.DIRECTORIES) {
      makeDirectory(root, name);
    }
    for (String path : StepPaths.FILES) {
      String parent = LayerPaths.parent(path);
      makeDirectory(root, parent);
      if (root.find(parent).filter(FileStatus::isDirectory).isPresent()) {
        try (DirectoryHandle directory = root.openDirectory(parent)) {
          makeFile(directory, LayerPaths.name(path));
        }
      }
    }
    root.setTimes(before.mtimeSeconds(), before.mtimeNanos());
  }

  private static void makeDirectory(DirectoryHandle root, String name) throws PosixException {
    try {
      root.makeDirectory(name, 0755);
    } catch (PosixException e) {
      if (e.errno() == Errno.EEXIST) {
        return;
      }
      throw e;
    }
    root.chmod(name, 0755);
    root.setTimes(name, 0, 0);
  }

  private static void makeFile(DirectoryHandle directory, String name) throws PosixException {
    Optional<FileStatus> present = directory.find(name);
    if (present.isPresent()) {
      return;
    }
    FileStatus before = directory.status();
    directory.createFile(name, 0644).close();
    directory.chmod(name, 0644);
    directory.setTimes(name, 0, 0);
    directory.setTimes(before.mtimeSeconds(), before.mtimeNanos());
  }

  /** Removes what a sandbox may have left; the times of directories stay as they are. */
  static void remove(DirectoryHandle root) throws IOException {
    FileStatus before = root.status();
    for (String name : StepPaths.DIRECTORIES) {
      TreeRemover.remove(root, name);
    }
    for (String path : StepPaths.FILES) {
      String parent = LayerPaths.parent(path);
      if (root.find(parent).filter(FileStatus::isDirectory).isPresent()) {
        try (DirectoryHandle directory = root.openDirectory(parent)) {
          removeFile(directory, LayerPaths.name(path));
        }
      }
    }
    root.setTimes(before.mtimeSeconds(), before.mtimeNanos());
  }

  private static void removeFile(DirectoryHandle directory, String name) throws PosixException {
    if (directory.find(name).isPresent()) {
      FileStatus before = directory.status();
      TreeRemover.remove(directory, name);
      directory.setTimes(before.mtimeSeconds(), before.mtimeNanos());
    }
  }
}
