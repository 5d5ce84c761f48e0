package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.Extent;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.LayerIndex.Item;
import build.kiln.runtime.layer.LayerPaths;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
  private final ImageNode root;
  private final long linkIdBase;
  private final Observer observer;
  private long links;

  /** Is told of every directory that the layer implies, parents first. */
  @FunctionalInterface
  interface Observer {
    void implied(ImageNode parent, ImageNode directory) throws IOException;
  }

  /**
   * What an entry became.
   *
   * @param linked the file that a hard link leads to; null for all else
   */
  record Placed(ImageNode parent, ImageNode node, @Nullable ImageNode linked) {}

  /**
   * A whiteout.
   *
   * @param own what the layer itself has there, before or after
   */
  record Gone(ImageNode parent, String name, @Nullable ImageNode own) {}

  /**
   * An empty tree, to be filled in the order of the tar.
   *
   * @param number the layer's place in the image from 1, which keeps link ids apart
   */
  LayerTree(Layer layer, int number, Observer observer) {
    this.layer = layer;
    this.linkIdBase = (long) number << 32;
    this.observer = observer;
    this.root = ImageNode.impliedDirectory("", layer);
  }

  /**
   * @param number the layer's place in the image from 1, which keeps link ids apart
   */
  static ImageNode of(Layer layer, LayerIndex index, int number) throws IOException {
    var tree = new LayerTree(layer, number, (parent, directory) -> {});
    for (Item item : index.items()) {
      switch (item) {
        case Item.Entry e -> tree.add(e.meta(), e.extents(), index.small().get(e.meta().path()));
        case Item.Whiteout whiteout -> tree.whiteout(whiteout.path());
        case Item.Opaque opaque -> tree.opaque(opaque.directory());
      }
    }
    return tree.root;
  }

  ImageNode root() {
    return root;
  }

  ImageNode opaque(String path) throws IOException {
    ImageNode directory = walk(path, true);
    directory.opaque = true;
    return directory;
  }

  /**
   * Adds a whiteout; empty if it lies below what the layer itself has as a file, as some tools
   * write it when a directory became one: that hides what lower layers have anyway.
   */
  Optional<Gone> whiteout(String path) throws IOException {
    ImageNode parent = find(LayerPaths.parent(path), true);
    if (parent == null) {
      return Optional.empty();
    }
    String name = LayerPaths.name(path);
    ImageNode own = parent.children.get(name);
    if (own != null && own.isDirectory()) {
      own.startAfresh();
    }
    parent.remove(name);
    return Optional.of(new Gone(parent, name, own));
  }

  /** Adds an entry; empty for one that is never unpacked. */
  Optional<Placed> add(EntryMeta meta, List<Extent> extents, byte @Nullable [] small)
      throws IOException {
    if (meta.path().isEmpty()) {
      root.meta = meta;
      root.implied = false;
      return Optional.of(new Placed(root, root, null));
    }
    ImageNode parent = walk(LayerPaths.parent(meta.path()), true);
    if (isOverlayMark(meta)) {
      return Optional.empty();
    }
    String name = meta.name();
    EntryMeta real = meta.withPath(LayerPaths.join(parent.meta.path(), name));
    ImageNode present = parent.children.get(name);
    if (real.isDirectory() && present != null && present.isDirectory()) {
      present.meta = real;
      present.implied = false;
      return Optional.of(new Placed(parent, present, null));
    }
    ImageNode linked = real.kind() == Kind.HARDLINK ? linkedBy(real) : null;
    if (linked != null && linked == present) {
      return Optional.empty();
    }
    ImageNode node;
    if (linked != null) {
      node = new ImageNode(linked.meta.withPath(real.path()), layer, linked.extents, linked.small);
    } else {
      node = new ImageNode(real, layer, extents, small);
      if (real.isDirectory() && (present != null || parent.gone.contains(name))) {
        node.startAfresh();
      }
    }
    parent.children.put(name, node);
    return Optional.of(new Placed(parent, node, linked));
  }

  /** Overlay takes this device for a deleted file, so no tool unpacks it. */
  private static boolean isOverlayMark(EntryMeta meta) {
    return meta.kind() == Kind.CHARACTER_DEVICE
        && meta.deviceMajor() == 0
        && meta.deviceMinor() == 0;
  }

  private ImageNode linkedBy(EntryMeta link) throws IOException {
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
    return file;
  }

  /**
   * The directory of this path.
   *
   * @param create whether directories that are missing are made; else they are taken for empty
   */
  private ImageNode walk(String path, boolean create) throws IOException {
    ImageNode found = find(path, create);
    if (found == null) {
      throw error(
          Code.MALFORMED,
          quoted(path) + " is no directory, though the layer has entries or links below it");
    }
    return found;
  }

  /** As {@link #walk}, null if something on the way is no directory. */
  private @Nullable ImageNode find(String path, boolean create) throws IOException {
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
          if (at.gone.contains(name)) {
            next.startAfresh();
          }
          at.children.put(name, next);
          observer.implied(at, next);
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
        return null;
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
