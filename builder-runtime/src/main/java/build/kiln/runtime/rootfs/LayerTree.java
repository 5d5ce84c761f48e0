package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.LayerIndex.Item;
import build.kiln.runtime.layer.LayerPaths;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * One layer as a tree of its own, as it would be unpacked into an empty directory: parents without
 * an entry are made, symbolic links of the layer on the way are followed as in a chroot, hard links
 * share one file. A whiteout hides what lower layers have, never what this layer has.
 */
final class LayerTree {
  private static final int MAX_LINKS = 40;

  /** As deep as a path of 4,096 bytes goes; links could lead deeper. */
  private static final int MAX_DEPTH = 2048;

  private final Layer layer;
  private final LayerIndex index;
  private final ImageNode root;
  private final long linkIdBase;
  private long links;

  private LayerTree(Layer layer, LayerIndex index, long linkIdBase) {
    this.layer = layer;
    this.index = index;
    this.linkIdBase = linkIdBase;
    this.root = ImageNode.impliedDirectory("", layer);
  }

  /**
   * @param number the layer's place in the image from 1, which keeps link ids apart
   */
  static ImageNode of(Layer layer, LayerIndex index, int number) throws LayerException {
    var tree = new LayerTree(layer, index, (long) number << 32);
    for (Item item : index.items()) {
      switch (item) {
        case Item.Entry entry -> tree.add(entry);
        case Item.Whiteout whiteout -> tree.whiteout(whiteout.path());
        case Item.Opaque opaque -> tree.directory(opaque.directory()).opaque = true;
      }
    }
    return tree.root;
  }

  private void whiteout(String path) throws LayerException {
    ImageNode parent = directory(LayerPaths.parent(path));
    String name = LayerPaths.name(path);
    ImageNode own = parent.children.get(name);
    if (own != null && own.isDirectory()) {
      own.opaque = true;
    }
    parent.remove(name);
  }

  private void add(Item.Entry entry) throws LayerException {
    EntryMeta meta = entry.meta();
    if (meta.path().isEmpty()) {
      root.meta = meta;
      root.implied = false;
      return;
    }
    ImageNode parent = directory(LayerPaths.parent(meta.path()));
    String name = meta.name();
    EntryMeta real = meta.withPath(LayerPaths.join(parent.meta.path(), name));
    ImageNode present = parent.children.get(name);
    if (real.isDirectory() && present != null && present.isDirectory()) {
      present.meta = real;
      present.implied = false;
      return;
    }
    if (real.kind() == Kind.HARDLINK) {
      parent.children.put(name, hardLink(real));
      return;
    }
    if (isOverlayMark(real)) {
      parent.children.remove(name);
      return;
    }
    var node = new ImageNode(real, layer, entry.extents(), index.small().get(meta.path()));
    node.opaque = real.isDirectory() && parent.gone.contains(name);
    parent.children.put(name, node);
  }

  /** Overlay takes this device for a deleted file, so no tool unpacks it. */
  private static boolean isOverlayMark(EntryMeta meta) {
    return meta.kind() == Kind.CHARACTER_DEVICE
        && meta.deviceMajor() == 0
        && meta.deviceMinor() == 0;
  }

  private ImageNode hardLink(EntryMeta link) throws LayerException {
    String target = link.linkTarget() == null ? "" : link.linkTarget();
    ImageNode parent = walk(LayerPaths.parent(target), false);
    ImageNode file = parent.children.get(LayerPaths.name(target));
    if (file == null || file.isDirectory()) {
      throw error(
          Code.MALFORMED,
          quoted(link.path()) + " is a hard link to " + quoted(target) + ", no file of this layer");
    }
    if (file.meta.linkId() == 0) {
      file.meta = file.meta.withLinkId(linkIdBase + ++links);
    }
    return new ImageNode(file.meta.withPath(link.path()), layer, file.extents, file.small);
  }

  /** The directory of this path, made if it is not there. */
  private ImageNode directory(String path) throws LayerException {
    return walk(path, true);
  }

  private ImageNode walk(String path, boolean create) throws LayerException {
    Deque<ImageNode> way = new ArrayDeque<>(List.of(root));
    Deque<String> left = new ArrayDeque<>();
    prepend(left, path);
    int followed = 0;
    while (!left.isEmpty()) {
      String name = left.pop();
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        if (way.size() > 1) {
          way.pop();
        }
        continue;
      }
      ImageNode at = way.element();
      ImageNode next = at.children.get(name);
      if (next == null) {
        next = ImageNode.impliedDirectory(LayerPaths.join(at.meta.path(), name), layer);
        if (create) {
          next.opaque = at.gone.contains(name);
          at.children.put(name, next);
        }
      }
      if (next.meta.kind() == Kind.SYMLINK) {
        if (++followed > MAX_LINKS) {
          throw error(
              Code.LINK_LOOP,
              quoted(path) + " lies behind more than " + MAX_LINKS + " symbolic links");
        }
        String target = String.valueOf(next.meta.linkTarget());
        if (target.startsWith("/")) {
          way = new ArrayDeque<>(List.of(root));
        }
        prepend(left, target);
      } else if (next.isDirectory()) {
        way.push(next);
        if (way.size() > MAX_DEPTH) {
          throw error(Code.LIMIT_EXCEEDED, "directories are nested deeper than " + MAX_DEPTH);
        }
      } else {
        throw error(
            Code.MALFORMED,
            quoted(path)
                + " leads through "
                + quoted(next.meta.path())
                + ", which is no directory");
      }
    }
    return way.element();
  }

  private static void prepend(Deque<String> left, String path) {
    String[] parts = path.split("/");
    for (int i = parts.length - 1; i >= 0; i--) {
      left.push(parts[i]);
    }
  }

  private LayerException error(Code code, String message) {
    return new LayerException(code, "layer " + layer.descriptor().digest() + ": " + message);
  }

  private static String quoted(String path) {
    return "\"" + path + "\"";
  }
}
