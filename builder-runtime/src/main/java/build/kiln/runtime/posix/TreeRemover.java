package build.kiln.runtime.posix;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Deletes trees, whatever they hold: never follows a symbolic link, gets into directories of mode
 * 000, and needs no more memory or descriptors for a tree that is a million levels deep.
 */
public final class TreeRemover {
  private static final int MAX_DEPTH = 100;

  private final DirectoryHandle root;
  private final Deque<String> moved = new ArrayDeque<>();
  private int counter;

  private TreeRemover(DirectoryHandle root) {
    this.root = root;
  }

  /** Deletes what has this name, if there is something. */
  public static void remove(DirectoryHandle parent, String name) throws PosixException {
    Optional<FileStatus> status = parent.find(name);
    if (status.isEmpty()) {
      return;
    }
    if (!status.get().isDirectory()) {
      parent.unlink(name);
      return;
    }
    try (DirectoryHandle directory = openForRemoval(parent, name)) {
      removeContents(directory);
    }
    parent.removeDirectory(name);
  }

  /** Deletes all that is in this directory. */
  public static void removeContents(DirectoryHandle directory) throws PosixException {
    new TreeRemover(directory).run();
  }

  private void run() throws PosixException {
    empty(root, 0);
    while (!moved.isEmpty()) {
      String name = moved.pop();
      try (DirectoryHandle directory = openForRemoval(root, name)) {
        empty(directory, 1);
      }
      root.removeDirectory(name);
    }
  }

  private void empty(DirectoryHandle directory, int depth) throws PosixException {
    for (String name : directory.names()) {
      if (!directory.status(name).isDirectory()) {
        directory.unlink(name);
      } else if (depth == MAX_DEPTH) {
        moveUp(directory, name);
      } else {
        try (DirectoryHandle child = openForRemoval(directory, name)) {
          empty(child, depth + 1);
        }
        directory.removeDirectory(name);
      }
    }
  }

  /** Too deep for a descriptor a level: becomes an entry of the root, to be emptied later. */
  private void moveUp(DirectoryHandle directory, String name) throws PosixException {
    allowRemoval(directory, name);
    String freeName;
    do {
      freeName = ".removing-" + counter++;
    } while (root.find(freeName).isPresent());
    directory.rename(name, root, freeName);
    moved.push(freeName);
  }

  private static DirectoryHandle openForRemoval(DirectoryHandle parent, String name)
      throws PosixException {
    allowRemoval(parent, name);
    return parent.openDirectory(name);
  }

  /** Lets the owner delete from it, who may lack the rights where they are not root. */
  private static void allowRemoval(DirectoryHandle parent, String name) throws PosixException {
    if ((parent.status(name).mode() & 0700) != 0700) {
      parent.chmod(name, 0700);
    }
  }
}
