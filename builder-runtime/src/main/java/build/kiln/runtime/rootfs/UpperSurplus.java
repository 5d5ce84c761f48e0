package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What an overlay's upper directory has that the layer of its changes has not, noted while the
 * layer is written: directories that were copied up and left as they were, sockets, marks that hide
 * nothing. Without it the directory is what unpacking the layer gives, whatever lies below.
 */
final class UpperSurplus {
  private final List<String> needless = new ArrayList<>();
  private final List<String> sockets = new ArrayList<>();
  private final List<String> falselyOpaque = new ArrayList<>();
  private final List<String> removing = new ArrayList<>();
  private boolean rootDescribed;
  private long bytes;

  /** An entry that is no change, with all that is below it. */
  void needless(String path) {
    needless.add(path);
  }

  /** A path that a lower directory has and the layer removes. */
  void removed(String path, boolean socket) {
    if (socket) {
      sockets.add(path);
    }
    String parent = LayerPaths.parent(path);
    if (removing.isEmpty() || !removing.getLast().equals(parent)) {
      removing.add(parent);
    }
  }

  /** A new directory with a mark that hides nothing here. */
  void falselyOpaque(String path) {
    falselyOpaque.add(path);
  }

  void rootDescribed() {
    rootDescribed = true;
  }

  void file(long size) {
    bytes += size;
  }

  /** Of the files that are changes; one of several names counts as often. */
  long bytes() {
    return bytes;
  }

  UnpackedLayer.Facts facts() {
    return new UnpackedLayer.Facts(
        rootDescribed, false, List.of(), removing.stream().distinct().toList(), 0);
  }

  /** Takes it away; the times of directories stay as they are. */
  void remove(DirectoryHandle upper, OverlayMarks marks) throws IOException {
    for (String path : falselyOpaque) {
      try (DirectoryHandle directory = DirectoryCache.open(upper, path)) {
        marks.makeTransparent(directory);
      }
    }
    for (String path : sockets) {
      in(
          upper,
          path,
          (directory, name) ->
              EntryWriter.replacing(directory, name, () -> marks.whiteout(directory, name)));
    }
    for (String path : needless) {
      in(upper, path, TreeRemover::remove);
    }
  }

  /** Changes an entry of a directory. */
  @FunctionalInterface
  private interface Change {
    void make(DirectoryHandle directory, String name) throws IOException;
  }

  private static void in(DirectoryHandle upper, String path, Change change) throws IOException {
    try (DirectoryHandle directory = DirectoryCache.open(upper, LayerPaths.parent(path))) {
      FileStatus before = directory.status();
      change.make(directory, LayerPaths.name(path));
      directory.setTimes(before.mtimeSeconds(), before.mtimeNanos());
    }
  }
}
