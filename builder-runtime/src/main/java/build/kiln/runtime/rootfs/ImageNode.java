package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Extent;
import build.kiln.runtime.layer.Layer;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An entry of one layer, and after a merge of an image. Only {@link LayerTree} changes nodes,
 * before anyone else sees them; images share them.
 */
final class ImageNode {
  EntryMeta meta;
  final Layer layer;
  final List<Extent> extents;
  final byte @Nullable [] small;

  /** A directory's entries by name; empty for all else. */
  final Map<String, ImageNode> children;

  /** A layer's directory without an entry of its own keeps what lower layers say of it. */
  boolean implied;

  /** A layer's directory that shows nothing of lower layers. */
  boolean opaque;

  /** A layer's directory whose path the layer also removed: it keeps nothing that was there. */
  boolean fresh;

  /** Names that a layer removed from lower layers' directory. */
  Set<String> gone = Set.of();

  ImageNode(EntryMeta meta, Layer layer, List<Extent> extents, byte @Nullable [] small) {
    this(meta, layer, extents, small, meta.isDirectory() ? new HashMap<>(4) : Map.of());
  }

  private ImageNode(
      EntryMeta meta,
      Layer layer,
      List<Extent> extents,
      byte @Nullable [] small,
      Map<String, ImageNode> children) {
    this.meta = meta;
    this.layer = layer;
    this.extents = extents;
    this.small = small;
    this.children = children;
  }

  /** What a directory is like that no layer describes. */
  static EntryMeta impliedMeta(String path) {
    return EntryMeta.directory(path, 0755, 0, 0, 0);
  }

  static ImageNode impliedDirectory(String path, Layer layer) {
    var node = new ImageNode(impliedMeta(path), layer, List.of(), null);
    node.implied = true;
    return node;
  }

  boolean isDirectory() {
    return meta.isDirectory();
  }

  /** Shows nothing of the directory that lower layers may have here, nor keeps its metadata. */
  void startAfresh() {
    opaque = true;
    fresh = true;
  }

  void remove(String name) {
    if (gone.isEmpty()) {
      gone = new HashSet<>();
    }
    gone.add(name);
  }

  /** This entry of a layer on top of what lower layers have at its path; both stay as they are. */
  ImageNode over(@Nullable ImageNode lower) {
    if (lower == null || !lower.isDirectory() || !isDirectory()) {
      return this;
    }
    Map<String, ImageNode> merged = new HashMap<>();
    if (!opaque) {
      merged.putAll(lower.children);
      merged.keySet().removeAll(gone);
    }
    for (Map.Entry<String, ImageNode> child : children.entrySet()) {
      merged.put(child.getKey(), child.getValue().over(merged.get(child.getKey())));
    }
    ImageNode described = implied && !fresh ? lower : this;
    return new ImageNode(described.meta, described.layer, extents, small, merged);
  }

  Map<String, ImageNode> entries() {
    return Collections.unmodifiableMap(children);
  }
}
