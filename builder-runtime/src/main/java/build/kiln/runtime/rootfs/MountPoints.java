package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.util.Optional;

/**
 * What a sandbox mounts on or writes to ({@link StepPaths}), made where an image lacks it or has
 * something else there, so that the sandbox need not: it would be a change of the step.
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

  /**
   * Makes in an empty upper directory what its lowers do not show as it should be, so that the
   * sandbox finds it: it would make what is missing, and follow symbolic links into the layer.
   */
  static void cover(DirectoryHandle upper, LowerDirectory lowers) throws IOException {
    for (String name : StepPaths.DIRECTORIES) {
      if (lowers.find(name).flatMap(LowerDirectory.Entry::directory).isEmpty()) {
        makeDirectory(upper, name);
      }
    }
    for (String path : StepPaths.FILES) {
      String parent = LayerPaths.parent(path);
      Optional<LowerDirectory> shown = lowers.directory(parent);
      if (shown.isPresent() && !isFile(shown.get().find(LayerPaths.name(path)))) {
        makeDirectory(upper, parent);
        try (DirectoryHandle directory = upper.openDirectory(parent);
            DirectoryHandle lower = shown.get().open()) {
          makeFile(directory, LayerPaths.name(path));
          OverlayMarks marks = lowers.marks();
          MetaWriter.apply(
              directory,
              new EntryReader(marks::shown).directory(parent, lower),
              new Form.Lower(marks));
        }
      }
    }
  }

  private static boolean isFile(Optional<LowerDirectory.Entry> entry) {
    return entry.filter(e -> e.status().type() == FileType.FILE).isPresent();
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
    if (present.filter(s -> s.type() == FileType.FILE && s.links() == 1).isPresent()) {
      return;
    }
    FileStatus before = directory.status();
    TreeRemover.remove(directory, name);
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
