package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Mount points of a step in an overlay's upper directory. A directory of a lower that one is made
 * in is copied up as it is, so that it does not count as changed.
 */
final class OverlayMountPoints {
  private final DirectoryHandle workspace;
  private final LowerDirectory lowers;

  /** What was made, the outer ones first. */
  private final List<String> made = new ArrayList<>();

  OverlayMountPoints(DirectoryHandle workspace, LowerDirectory lowers) {
    this.workspace = workspace;
    this.lowers = lowers;
  }

  /** Makes what neither the upper nor a lower has; what is inside another point is left out. */
  void make(DirectoryHandle upper, List<MountPoint> points) throws IOException {
    List<String> done = new ArrayList<>();
    for (MountPoint point : points) {
      if (done.stream().noneMatch(outer -> point.path().startsWith(outer + "/"))) {
        make(upper, Optional.of(lowers), "", point);
      }
      done.add(point.path());
    }
  }

  private void make(
      DirectoryHandle parent, Optional<LowerDirectory> lower, String at, MountPoint point)
      throws IOException {
    String rest = at.isEmpty() ? point.path() : point.path().substring(at.length() + 1);
    int slash = rest.indexOf('/');
    String name = slash < 0 ? rest : rest.substring(0, slash);
    String path = LayerPaths.join(at, name);
    boolean isParent = slash >= 0;
    Optional<LowerDirectory.Entry> below = lower.isEmpty() ? Optional.empty() : find(lower, name);
    Optional<FileStatus> present = parent.find(name);
    if (!isParent && (present.isPresent() || below.isPresent())) {
      return;
    }
    if (!isParent && !point.directory()) {
      parent.createFile(name, 0644).close();
      made.add(path);
      return;
    }
    boolean isNew = present.isEmpty();
    if (isNew) {
      parent.makeDirectory(name, 0700);
      if (below.isEmpty()) {
        made.add(path);
      }
    }
    try (DirectoryHandle directory = parent.openDirectory(name)) {
      FileStatus before = directory.status();
      if (isParent) {
        make(directory, below.flatMap(LowerDirectory.Entry::directory), path, point);
      }
      Optional<LowerDirectory> shown = below.flatMap(LowerDirectory.Entry::directory);
      if (!isNew) {
        directory.setTimes(before.mtimeSeconds(), before.mtimeNanos());
      } else if (shown.isPresent()) {
        try (DirectoryHandle original = shown.get().open()) {
          OverlayMarks marks = lowers.marks();
          MetaWriter.apply(
              directory,
              new EntryReader(marks::shown).directory(path, original),
              new Form.Lower(marks));
        }
      } else {
        directory.chmod(0755);
      }
    }
  }

  private static Optional<LowerDirectory.Entry> find(Optional<LowerDirectory> lower, String name)
      throws IOException {
    return lower.orElseThrow().find(name);
  }

  /**
   * Removes what was made and is empty; the times of directories stay as they are.
   *
   * @param upper path of the upper directory in the workspace
   */
  void remove(String upper) throws IOException {
    try (DirectoryHandle root = workspace.openDirectory(upper)) {
      EmptyEntries.remove(root, made);
    }
    made.clear();
  }
}
