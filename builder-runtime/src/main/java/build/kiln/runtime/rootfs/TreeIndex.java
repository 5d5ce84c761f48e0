package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The metadata of a tree at one time, without what a sandbox provides. An entry that has the same
 * status in two of them is the same: whatever changes an entry also sets its change time, which no
 * program can set back.
 *
 * @param names of a directory's entries, in the order of their bytes
 * @param entries a node for each name
 */
record TreeIndex(FileStatus status, List<String> names, List<TreeIndex> entries) {
  TreeIndex {
    names = List.copyOf(names);
    entries = List.copyOf(entries);
  }

  /** Reads the status of every entry. Sockets are left out, since layers have none. */
  static TreeIndex scan(DirectoryHandle root) throws IOException {
    return DeepStack.call(() -> scan(root, "", 0));
  }

  private static TreeIndex scan(DirectoryHandle directory, String path, int depth)
      throws IOException {
    if (depth > UpperChanges.MAX_DEPTH) {
      throw new LayerException(
          LayerException.Code.LIMIT_EXCEEDED,
          "directories are nested deeper than " + UpperChanges.MAX_DEPTH + "; remove them");
    }
    List<String> names = new ArrayList<>();
    List<TreeIndex> entries = new ArrayList<>();
    for (DirectoryHandle.Entry entry : directory.entries()) {
      String child = LayerPaths.join(path, entry.name());
      FileStatus status = entry.status();
      if (status.type() == FileType.SOCKET || StepPaths.contain(child)) {
        continue;
      }
      names.add(entry.name());
      if (status.isDirectory()) {
        try (DirectoryHandle below = directory.openDirectory(entry.name())) {
          entries.add(scan(below, child, depth + 1));
        }
      } else {
        entries.add(new TreeIndex(status, List.of(), List.of()));
      }
    }
    return new TreeIndex(directory.status(), names, entries);
  }

  boolean isDirectory() {
    return status.isDirectory();
  }

  Map<String, TreeIndex> byName() {
    Map<String, TreeIndex> map = HashMap.newHashMap(names.size());
    for (int i = 0; i < names.size(); i++) {
      map.put(names.get(i), entries.get(i));
    }
    return map;
  }

  /** The latest change time of all. */
  ChangeTime latestChange() throws IOException {
    return DeepStack.call(this::latest);
  }

  private ChangeTime latest() {
    ChangeTime latest = ChangeTime.of(status);
    for (TreeIndex entry : entries) {
      ChangeTime other = entry.latest();
      latest = other.compareTo(latest) > 0 ? other : latest;
    }
    return latest;
  }

  /** When the kernel last changed an entry. */
  record ChangeTime(long seconds, int nanos) implements Comparable<ChangeTime> {
    static ChangeTime of(FileStatus status) {
      return new ChangeTime(status.ctimeSeconds(), status.ctimeNanos());
    }

    @Override
    public int compareTo(ChangeTime other) {
      int bySeconds = Long.compare(seconds, other.seconds);
      return bySeconds != 0 ? bySeconds : Integer.compare(nanos, other.nanos);
    }
  }
}
