package build.kiln.runtime.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who else may write to a store. In a folder that belongs to a group (setgid, and writable by it,
 * as kubelet makes a volume for a pod's fsGroup) everything is made for the group, whatever the
 * umask: pods of different users use one volume.
 *
 * @param shared whether the folder is a group's
 */
record GroupAccess(boolean shared) {
  private static final String MODE = "unix:mode";

  /** Setgid, and writable by the group. */
  private static final int SHARED = 02020;

  /** What the group needs of a file. */
  private static final int GROUP = 060;

  /** As a folder has it that is there already. */
  static GroupAccess of(Path folder) throws IOException {
    return new GroupAccess((mode(folder) & SHARED) == SHARED);
  }

  /** Makes a folder, and those above it that are missing. */
  void makeFolder(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (parent != null) {
      makeFolder(parent);
    }
    Files.createDirectories(folder);
    open(folder);
  }

  /** Lets the group write to a file or folder of ours. */
  void open(Path file) throws IOException {
    if (shared) {
      int mode = mode(file);
      if ((mode & GROUP) != GROUP) {
        Files.setAttribute(file, MODE, mode | GROUP);
      }
    }
  }

  private static int mode(Path file) throws IOException {
    return (int) Files.getAttribute(file, MODE);
  }
}
