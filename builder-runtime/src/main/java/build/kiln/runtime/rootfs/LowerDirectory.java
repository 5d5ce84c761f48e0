package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A directory as an overlay's lowers make it together, without a mount.
 *
 * @param places of the directories that are merged, the topmost first, which describes it
 */
record LowerDirectory(OverlayMarks marks, List<Place> places) {
  LowerDirectory {
    places = List.copyOf(places);
  }

  /**
   * What the lowers show.
   *
   * @param directory empty if it is no directory
   */
  record Entry(FileStatus status, Optional<LowerDirectory> directory) {}

  /** What the lowers show of this name, as overlay looks it up. */
  Optional<Entry> find(String name) throws IOException {
    List<Place> merged = new ArrayList<>();
    FileStatus first = null;
    for (Place place : places) {
      try (DirectoryHandle lower = place.open()) {
        Optional<FileStatus> found = lower.find(name);
        if (found.isEmpty()) {
          continue;
        }
        FileStatus status = found.get();
        if (!status.isDirectory()) {
          if (first == null && !status.isOverlayWhiteout()) {
            return Optional.of(new Entry(status, Optional.empty()));
          }
          break;
        }
        first = first == null ? status : first;
        merged.add(place.below(name));
        try (DirectoryHandle directory = lower.openDirectory(name)) {
          if (marks.isOpaque(directory.xattrs())) {
            break;
          }
        }
      }
    }
    return first == null
        ? Optional.empty()
        : Optional.of(new Entry(first, Optional.of(new LowerDirectory(marks, merged))));
  }

  /** The directory of this path, if the lowers show one. */
  Optional<LowerDirectory> directory(String path) throws IOException {
    Optional<LowerDirectory> at = Optional.of(this);
    for (String name : path.split("/")) {
      Optional<Entry> entry = at.isEmpty() ? Optional.empty() : at.get().find(name);
      at = entry.flatMap(Entry::directory);
    }
    return at;
  }

  /** The handle of the directory that describes it. */
  DirectoryHandle open() throws IOException {
    return places.getFirst().open();
  }
}
