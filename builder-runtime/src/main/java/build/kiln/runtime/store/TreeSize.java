package build.kiln.runtime.store;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.DirectoryHandle.Entry;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/** How much the files below a directory hold; files of several names count once. */
final class TreeSize {
  private final Set<Long> counted = new HashSet<>();
  private final Deque<String> directories = new ArrayDeque<>();
  private long bytes;

  private TreeSize() {}

  /** In bytes. What changes or cannot be read meanwhile may be missing. */
  static long of(Path root) {
    var size = new TreeSize();
    try (DirectoryHandle top = DirectoryHandle.open(root)) {
      size.directories.push("");
      while (!size.directories.isEmpty()) {
        size.add(top, size.directories.pop());
      }
    } catch (PosixException gone) {
      return size.bytes;
    }
    return size.bytes;
  }

  private void add(DirectoryHandle top, String path) {
    try (DirectoryHandle directory = top.openDirectory(path)) {
      for (Entry entry : directory.entries()) {
        FileStatus status = entry.status();
        if (status.isDirectory()) {
          directories.push(path.isEmpty() ? entry.name() : path + "/" + entry.name());
        } else if (status.type() == FileType.FILE
            && (status.links() == 1 || counted.add(status.inode()))) {
          bytes += status.size();
        }
      }
    } catch (PosixException gone) {
      // A step that uses it at the same time may have removed it.
      return;
    }
  }
}
