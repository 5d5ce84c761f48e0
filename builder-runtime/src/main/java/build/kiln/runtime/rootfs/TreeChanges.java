package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What differs between two indexes of a directory, as a layer. Only what differs is read. An entry
 * whose change time alone differs is taken for changed: its content or attributes may be others.
 */
final class TreeChanges {
  private static final EntryReader READER = new EntryReader((path, xattrs) -> xattrs);

  private final DirectoryHandle root;
  private final LayerSource.Sink sink;

  /** Directories on the way that are as they were, and not written yet. */
  private final Deque<String> unchanged = new ArrayDeque<>();

  /** Files of several names of which some have changed: the others are written as well. */
  private final Set<Long> changedLinks = new HashSet<>();

  private TreeChanges(DirectoryHandle root, LayerSource.Sink sink) {
    this.root = root;
    this.sink = sink;
  }

  /**
   * @param root the directory as it is in {@code after}
   */
  static void write(DirectoryHandle root, TreeIndex before, TreeIndex after, LayerSource.Sink sink)
      throws IOException {
    if (!before.status().equals(after.status())) {
      sink.add(READER.directory("", root));
    }
    var changes = new TreeChanges(root, sink);
    DeepStack.call(
        () -> {
          changes.collectLinks(before, after);
          changes.compare("", before, after);
          return changes;
        });
  }

  private void collectLinks(@Nullable TreeIndex before, TreeIndex after) {
    Map<String, TreeIndex> old = before == null ? Map.of() : before.byName();
    for (int i = 0; i < after.names().size(); i++) {
      TreeIndex entry = after.entries().get(i);
      TreeIndex same = old.get(after.names().get(i));
      if (entry.isDirectory()) {
        collectLinks(same, entry);
      } else if (entry.status().links() > 1
          && (same == null || !same.status().equals(entry.status()))) {
        changedLinks.add(entry.status().inode());
      }
    }
  }

  private void compare(String path, @Nullable TreeIndex before, TreeIndex after)
      throws IOException {
    int old = 0;
    int oldEnd = before == null ? 0 : before.names().size();
    for (int i = 0; i < after.names().size(); i++) {
      String name = after.names().get(i);
      int order = -1;
      while (before != null && old < oldEnd && order < 0) {
        order = LayerPaths.BYTE_ORDER.compare(before.names().get(old), name);
        if (order < 0) {
          whiteout(LayerPaths.join(path, before.names().get(old++)));
        }
      }
      TreeIndex same = before != null && order == 0 ? before.entries().get(old++) : null;
      entry(path, name, same, after.entries().get(i));
    }
    while (before != null && old < oldEnd) {
      whiteout(LayerPaths.join(path, before.names().get(old++)));
    }
  }

  private void entry(String parent, String name, @Nullable TreeIndex before, TreeIndex after)
      throws IOException {
    String path = LayerPaths.join(parent, name);
    boolean same = before != null && before.status().equals(after.status());
    if (after.isDirectory()) {
      if (same) {
        unchanged.addLast(path);
      } else {
        writeParents();
        writeDirectory(path);
      }
      compare(path, before != null && before.isDirectory() ? before : null, after);
      if (same) {
        unchanged.pollLast();
      }
    } else if (!same || changedLinks.contains(after.status().inode())) {
      writeParents();
      try (DirectoryHandle directory = DirectoryCache.open(root, parent)) {
        READER.add(sink, directory, name, path, after.status());
      }
    }
  }

  private void whiteout(String path) throws IOException {
    writeParents();
    sink.whiteout(path);
  }

  private void writeParents() throws IOException {
    for (String path = unchanged.pollFirst(); path != null; path = unchanged.pollFirst()) {
      writeDirectory(path);
    }
  }

  private void writeDirectory(String path) throws IOException {
    try (DirectoryHandle directory = DirectoryCache.open(root, path)) {
      sink.add(READER.directory(path, directory));
    }
  }
}
