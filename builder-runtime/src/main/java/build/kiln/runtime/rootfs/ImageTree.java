package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerException.Code;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.store.KeptLayers;
import build.kiln.runtime.store.LayerFiles;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The file system that layers make together, by their indexes, without unpacking them. It shows
 * what an overlay of the unpacked layers would: a layer's own symbolic links lead its entries,
 * those of lower layers are replaced. Immutable; {@link #with} shares all that a further layer does
 * not touch.
 *
 * <p>Content comes from the layer's tar at its place; a compressed layer is inflated into the
 * store's scratch when the first of its files is read, but not for the few small files that indexes
 * keep.
 */
public final class ImageTree implements FileTree {
  private static final int MAX_LINKS = 40;

  private final LayerFiles files;
  private final @Nullable ImageNode root;
  private final int depth;

  private ImageTree(LayerFiles files, @Nullable ImageNode root, int depth) {
    this.files = files;
    this.root = root;
    this.depth = depth;
  }

  /**
   * The view of these layers, base first; none is {@code scratch}.
   *
   * @throws LayerException if a layer is not valid
   */
  public static ImageTree of(LayerFiles files, List<Layer> layers) throws IOException {
    var tree = new ImageTree(files, null, 0);
    for (Layer layer : layers) {
      tree = tree.with(layer);
    }
    return tree;
  }

  /** The view with one more layer on top. */
  public ImageTree with(Layer layer) throws IOException {
    ImageNode own = LayerTree.of(layer, files.index(layer), depth + 1);
    return new ImageTree(files, own.over(root), depth + 1);
  }

  @Override
  public Optional<EntryMeta> lookup(String path) {
    if (path.isEmpty() && root == null) {
      return Optional.of(EntryMeta.directory("", 0755, 0, 0, 0));
    }
    return Optional.ofNullable(node(path)).map(node -> node.meta);
  }

  @Override
  public List<EntryMeta> children(String path) {
    ImageNode node = node(path);
    if (node == null) {
      return List.of();
    }
    return node.entries().values().stream()
        .map(child -> child.meta)
        .sorted(Comparator.comparing(EntryMeta::name, LayerPaths.BYTE_ORDER))
        .toList();
  }

  /** A file's content, if its layer is kept unpacked: nothing has to be inflated. */
  public Optional<InputStream> openUnpacked(EntryMeta file) throws IOException {
    ImageNode node = file(file);
    Optional<KeptLayers.Tree> kept =
        node.small == null
            ? files.unpacked(node.layer, OverlayMarks.of(true).prefix())
            : Optional.empty();
    if (kept.isEmpty()) {
      return Optional.empty();
    }
    KeptLayers.Tree tree = kept.get();
    String parent = LayerPaths.parent(tree.path() + "/" + node.meta.path());
    try (DirectoryHandle directory = DirectoryCache.open(tree.base(), parent)) {
      return Optional.of(content(directory.openFile(node.meta.name()), node));
    } catch (PosixException damaged) {
      return Optional.empty();
    }
  }

  private static InputStream content(FileHandle opened, ImageNode node) throws IOException {
    if (opened.status().size() != node.meta.size()) {
      opened.close();
      throw new PosixException("read " + opened.label(), Errno.EIO.number());
    }
    return opened.inputStream();
  }

  private ImageNode file(EntryMeta file) throws FileNotFoundException {
    ImageNode node = node(file.path());
    if (node == null || node.meta.kind() != Kind.FILE) {
      throw new FileNotFoundException("the image has no file \"" + file.path() + "\"");
    }
    return node;
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    ImageNode node = file(file);
    if (node.small != null) {
      return new ByteArrayInputStream(node.small);
    }
    return new ExtentInput(files.tar(node.layer), node.extents, node.meta.size());
  }

  /**
   * Follows a path as a process in a chroot does, its last component too: absolute targets start at
   * the root, and {@code ..} ends there. What lies beyond the first missing component is cleaned of
   * {@code .} and {@code ..} without looking.
   *
   * @throws LayerException LINK_LOOP after 40 links
   */
  public Resolved resolve(String path) throws LayerException {
    Deque<ImageNode> way = new ArrayDeque<>();
    Deque<String> left = new ArrayDeque<>();
    Deque<String> missing = new ArrayDeque<>();
    prepend(left, path);
    int links = 0;
    while (!left.isEmpty()) {
      String name = left.pop();
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        if (missing.pollLast() == null) {
          way.poll();
        }
        continue;
      }
      ImageNode at = way.isEmpty() ? root : way.element();
      ImageNode next = at == null || !missing.isEmpty() ? null : at.children.get(name);
      if (next == null) {
        missing.addLast(name);
      } else if (next.meta.kind() == Kind.SYMLINK) {
        if (++links > MAX_LINKS) {
          throw new LayerException(
              Code.LINK_LOOP,
              "the path \""
                  + path
                  + "\" of the image leads through more than "
                  + MAX_LINKS
                  + " symbolic links, the last at \""
                  + next.meta.path()
                  + "\"");
        }
        String target = String.valueOf(next.meta.linkTarget());
        if (target.startsWith("/")) {
          way.clear();
        }
        prepend(left, target);
      } else {
        way.push(next);
      }
    }
    String real = way.isEmpty() ? "" : way.element().meta.path();
    return new Resolved(real, String.join("/", missing));
  }

  /**
   * The whole content of a small file, such as {@code /etc/passwd}, links followed; empty if there
   * is none.
   *
   * @param max the most bytes it may have
   * @throws LayerException LIMIT_EXCEEDED if it has more, MALFORMED if it is no file
   */
  public Optional<byte[]> readSmall(String path, int max) throws IOException {
    Resolved resolved = resolve(path);
    if (!resolved.exists()) {
      return Optional.empty();
    }
    EntryMeta meta = lookup(resolved.real()).orElseThrow();
    if (meta.kind() != Kind.FILE) {
      throw new LayerException(
          Code.MALFORMED, "\"" + path + "\" of the image is a " + meta.kind() + ", not a file");
    }
    if (meta.size() > max) {
      throw new LayerException(
          Code.LIMIT_EXCEEDED,
          "\"" + path + "\" of the image has " + meta.size() + " bytes, more than " + max);
    }
    try (InputStream in = open(meta)) {
      return Optional.of(in.readAllBytes());
    }
  }

  private @Nullable ImageNode node(String path) {
    ImageNode at = root;
    if (path.isEmpty()) {
      return at;
    }
    for (String name : path.split("/")) {
      if (at == null) {
        return null;
      }
      at = at.children.get(name);
    }
    return at;
  }

  private static void prepend(Deque<String> left, String path) {
    String[] parts = path.split("/");
    for (int i = parts.length - 1; i >= 0; i--) {
      left.push(parts[i]);
    }
  }
}
