package build.kiln.runtime.context;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A tree in which other trees stand in the place of directories, or beside what is there; seen from
 * one of its directories.
 */
final class ComposedTree implements FileTree {
  private final FileTree base;
  private final NavigableMap<String, FileTree> mounts;
  private final String root;

  /**
   * @param mounts trees by the paths of their roots, below no other; their parents are in the base
   * @param root the directory that is the root of what is seen
   */
  ComposedTree(FileTree base, Map<String, FileTree> mounts, String root) {
    this.base = base;
    this.mounts = new TreeMap<>(mounts);
    this.root = root;
  }

  /** A tree that has a path, and the path in it. */
  private record Place(FileTree tree, String path) {}

  private Place place(String path) {
    String whole = path.isEmpty() ? root : LayerPaths.join(root, path);
    for (String at = whole; !at.isEmpty(); at = LayerPaths.parent(at)) {
      FileTree mounted = mounts.get(at);
      if (mounted != null) {
        return new Place(mounted, at.equals(whole) ? "" : whole.substring(at.length() + 1));
      }
    }
    return new Place(base, whole);
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    Place place = place(path);
    return place.tree.lookup(place.path).map(entry -> entry.withPath(path));
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    Place place = place(path);
    var children = new TreeMap<String, EntryMeta>(LayerPaths.BYTE_ORDER);
    for (EntryMeta child : place.tree.children(place.path)) {
      children.put(child.name(), child.withPath(LayerPaths.join(path, child.name())));
    }
    if (place.tree == base) {
      for (String mount : mounts.keySet()) {
        if (LayerPaths.parent(mount).equals(place.path)) {
          @Nullable EntryMeta entry =
              lookup(LayerPaths.join(path, LayerPaths.name(mount))).orElse(null);
          if (entry != null) {
            children.put(entry.name(), entry);
          }
        }
      }
    }
    return List.copyOf(children.values());
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    Place place = place(file.path());
    return place.tree.open(file.withPath(place.path));
  }
}
