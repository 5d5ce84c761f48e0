package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

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
    return scan(root, Set.of());
  }

  /**
   * As the other, without what is at these paths.
   *
   * @param hidden paths that are no part of the index, nor what is below them
   */
  static TreeIndex scan(DirectoryHandle root, Set<String> hidden) throws IOException {
    return DeepStack.call(() -> scan(root, "", 0, hidden));
  }

  private static TreeIndex scan(
      DirectoryHandle directory, String path, int depth, Set<String> hidden) throws IOException {
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
      if (status.type() == FileType.SOCKET || StepPaths.contain(child) || hidden.contains(child)) {
        continue;
      }
      names.add(entry.name());
      if (status.isDirectory()) {
        try (DirectoryHandle below = directory.openDirectory(entry.name())) {
          entries.add(scan(below, child, depth + 1, hidden));
        }
      } else {
        entries.add(new TreeIndex(status, List.of(), List.of()));
      }
    }
    return new TreeIndex(directory.status(), names, entries);
  }

  /** Without these directories, and so without what is in them. */
  TreeIndex without(Set<String> paths) {
    return paths.isEmpty() ? this : filtered("", path -> !paths.contains(path));
  }

  /** Without those of these directories that hold nothing else. */
  TreeIndex withoutEmpty(Set<String> paths) {
    if (paths.isEmpty()) {
      return this;
    }
    TreeIndex result = this;
    // The inner ones first: an outer one may be empty without them.
    for (String path : paths.stream().sorted(Comparator.reverseOrder()).toList()) {
      if (result.find(path).filter(e -> e.isDirectory() && e.names.isEmpty()).isPresent()) {
        result = result.filtered("", at -> !at.equals(path));
      }
    }
    return result;
  }

  private Optional<TreeIndex> find(String path) {
    TreeIndex at = this;
    for (String name : path.split("/")) {
      int i = at.names.indexOf(name);
      if (i < 0) {
        return Optional.empty();
      }
      at = at.entries.get(i);
    }
    return Optional.of(at);
  }

  private TreeIndex filtered(String path, Predicate<String> kept) {
    List<String> keptNames = new ArrayList<>();
    List<TreeIndex> keptEntries = new ArrayList<>();
    boolean same = true;
    for (int i = 0; i < names.size(); i++) {
      String child = LayerPaths.join(path, names.get(i));
      if (kept.test(child)) {
        TreeIndex entry = entries.get(i);
        TreeIndex filtered = entry.names.isEmpty() ? entry : entry.filtered(child, kept);
        keptNames.add(names.get(i));
        keptEntries.add(filtered);
        same &= filtered == entry;
      } else {
        same = false;
      }
    }
    return same ? this : new TreeIndex(status, keptNames, keptEntries);
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
