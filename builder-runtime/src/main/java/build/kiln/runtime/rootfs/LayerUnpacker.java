package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import build.kiln.runtime.rootfs.LayerTree.Gone;
import build.kiln.runtime.rootfs.LayerTree.Placed;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unpacks a layer into a directory.
 *
 * <p>Where an entry goes is decided in memory, by the same {@link LayerTree} that {@link ImageTree}
 * is made of: so both always agree, and a path on disk never has a symbolic link in it. Directories
 * are opened beneath the root without following links all the same, files are created but never
 * opened, and what is in the way is removed first. So whatever a layer holds, and whatever lower
 * layers left on disk, nothing outside the root is touched.
 *
 * <p>Directories get their metadata last, since every entry made in them changes their times.
 */
final class LayerUnpacker implements LayerTree.Observer {
  private static final Logger LOG = LoggerFactory.getLogger(LayerUnpacker.class);

  private final LayerTree tree;
  private final Form form;
  private final DirectoryHandle root;
  private final DirectoryCache directories;
  private final EntryWriter entries;

  /** Directories that were there before this layer, as they were. */
  private final Map<ImageNode, FileStatus> existing = new IdentityHashMap<>();

  private final Set<ImageNode> skipped = Collections.newSetFromMap(new IdentityHashMap<>());
  private final List<String> implied = new ArrayList<>();
  private final List<String> removing = new ArrayList<>();
  private long bytes;

  /**
   * What was unpacked.
   *
   * @param whole whether nothing of the layer is missing
   * @param bytes of its files
   */
  record Result(UnpackedLayer.Facts facts, boolean whole, long bytes) {}

  private LayerUnpacker(Layer layer, DirectoryHandle root, Form form) throws PosixException {
    this.root = root;
    this.form = form;
    this.entries = new EntryWriter(form);
    this.tree = new LayerTree(layer, 1, this);
    this.directories = new DirectoryCache(root);
    if (form instanceof Form.Merged) {
      existing.put(tree.root(), root.status());
    }
  }

  /**
   * Unpacks a layer. What is there is not to be used if this fails.
   *
   * @throws build.kiln.runtime.layer.LayerException if the layer is not valid
   * @throws RootfsException if it cannot be unpacked here
   */
  static Result unpack(LayerFiles files, Layer layer, DirectoryHandle root, Form form)
      throws IOException {
    String tried = "unpack layer " + layer.descriptor().digest() + " into " + root.label();
    return Failures.explained(
        tried,
        () -> DeepStack.call(() -> new LayerUnpacker(layer, root, form).unpack(files, layer)));
  }

  private Result unpack(LayerFiles files, Layer layer) throws IOException {
    try (directories) {
      files.read(layer, this::readAll);
      finish(tree.root(), false);
    }
    return result();
  }

  private Result result() {
    ImageNode top = tree.root();
    if (!skipped.isEmpty()) {
      LOG.debug("{} goes without {} devices that mknod refused", root.label(), skipped.size());
    }
    return new Result(
        new UnpackedLayer.Facts(!top.implied, top.opaque, implied, removing, skipped.size()),
        skipped.isEmpty() && entries.isWhole(),
        bytes);
  }

  private void readAll(TarReader tar) throws IOException {
    for (Optional<LayerEvent> event = tar.next(); event.isPresent(); event = tar.next()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted while a layer was unpacked");
      }
      switch (event.get()) {
        case LayerEvent.Entry entry -> {
          var placed = tree.add(entry.meta(), entry.extents(), null);
          if (placed.isPresent()) {
            create(placed.get(), entry);
          }
        }
        case LayerEvent.Whiteout whiteout -> {
          var gone = tree.whiteout(whiteout.path());
          if (gone.isPresent()) {
            remove(gone.get());
          }
        }
        case LayerEvent.Opaque opaque -> {
          ImageNode directory = tree.opaque(opaque.directory());
          if (form instanceof Form.Merged) {
            prune(directory);
          }
        }
      }
    }
  }

  @Override
  public void implied(ImageNode parent, ImageNode directory) throws IOException {
    makeDirectory(directories.of(parent), directory);
  }

  private void create(Placed placed, LayerEvent.Entry entry) throws IOException {
    ImageNode node = placed.node();
    if (node == tree.root()) {
      return;
    }
    DirectoryHandle parent = directories.of(placed.parent());
    if (placed.linked() != null) {
      link(parent, node, placed.linked());
      return;
    }
    EntryMeta meta = node.meta;
    switch (meta.kind()) {
      case DIRECTORY -> makeDirectory(parent, node);
      case FILE -> {
        entries.file(parent, meta, entry);
        bytes += meta.size();
      }
      case SYMLINK -> entries.symlink(parent, meta);
      case FIFO -> entries.node(parent, meta, FileType.FIFO);
      case CHARACTER_DEVICE -> makeDevice(parent, node, FileType.CHARACTER_DEVICE);
      case BLOCK_DEVICE -> makeDevice(parent, node, FileType.BLOCK_DEVICE);
      case HARDLINK -> throw new IllegalStateException("a hard link was not resolved: " + meta);
    }
  }

  private void makeDirectory(DirectoryHandle parent, ImageNode node) throws IOException {
    String name = node.meta.name();
    try {
      parent.makeDirectory(name, 0700);
    } catch (PosixException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
      FileStatus present = parent.status(name);
      if (!present.isDirectory()) {
        TreeRemover.remove(parent, name);
        parent.makeDirectory(name, 0700);
      } else if (form instanceof Form.Merged) {
        existing.putIfAbsent(node, present);
      }
    }
  }

  private void makeDevice(DirectoryHandle parent, ImageNode node, FileType type)
      throws IOException {
    try {
      entries.node(parent, node.meta, type);
    } catch (PosixException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
      skip(parent, node);
    }
  }

  /** Leaves the entry out; what lower layers have there must not show instead. */
  private void skip(DirectoryHandle parent, ImageNode node) throws IOException {
    skipped.add(node);
    if (form instanceof Form.Lower lower) {
      EntryWriter.replacing(
          parent, node.meta.name(), () -> lower.marks().whiteout(parent, node.meta.name()));
    }
  }

  private void link(DirectoryHandle parent, ImageNode node, ImageNode linked) throws IOException {
    if (skipped.contains(linked)) {
      skip(parent, node);
      return;
    }
    String directory = LayerPaths.parent(linked.meta.path());
    try (DirectoryHandle from = DirectoryCache.open(root, directory)) {
      EntryWriter.link(parent, node.meta.name(), from, linked.meta.name());
    }
  }

  private void remove(Gone gone) throws IOException {
    ImageNode own = gone.own();
    switch (form) {
      case Form.Lower lower -> {
        // The layer's own directory becomes opaque at the end.
        if (own == null) {
          DirectoryHandle parent = directories.of(gone.parent());
          EntryWriter.replacing(
              parent, gone.name(), () -> lower.marks().whiteout(parent, gone.name()));
        }
      }
      case Form.Merged merged -> {
        if (own == null) {
          TreeRemover.remove(directories.of(gone.parent()), gone.name());
        } else if (own.isDirectory()) {
          prune(own);
        }
      }
    }
  }

  /** Removes what lower layers have in a directory. */
  private void prune(ImageNode directory) throws IOException {
    DirectoryHandle handle = directories.of(directory);
    for (String name : handle.names()) {
      ImageNode own = directory.children.get(name);
      if (own == null) {
        TreeRemover.remove(handle, name);
      }
    }
    for (ImageNode own : directory.children.values()) {
      if (own.isDirectory()) {
        prune(own);
      }
    }
  }

  /**
   * @param covered whether it lies in an opaque directory
   */
  private void finish(ImageNode directory, boolean covered) throws IOException {
    boolean alone = covered || directory.opaque;
    for (ImageNode child : directory.children.values()) {
      if (child.isDirectory()) {
        finish(child, alone);
      }
    }
    if (form instanceof Form.Lower) {
      checkMarks(directory, alone);
    }
    if (directory.implied && directory != tree.root()) {
      implied.add(directory.meta.path());
    }
    DirectoryHandle handle = directories.of(directory);
    FileStatus before = existing.get(directory);
    if (before != null && directory.implied && !directory.fresh) {
      handle.setTimes(before.mtimeSeconds(), before.mtimeNanos());
      return;
    }
    if (before != null) {
      removeOtherXattrs(handle, directory.meta);
    }
    if (directory.opaque && form instanceof Form.Lower lower) {
      lower.marks().makeOpaque(handle);
    }
    entries.directory(handle, directory.meta);
  }

  /**
   * Overlay lists the marks of a directory that it need not merge with another. So there are none
   * where the layer itself hides all lower layers, and the others are told.
   */
  private void checkMarks(ImageNode directory, boolean alone) throws IOException {
    List<String> marks = new ArrayList<>();
    for (String name : directory.gone) {
      if (!directory.children.containsKey(name)) {
        marks.add(name);
      }
    }
    if (!skipped.isEmpty()) {
      for (ImageNode child : directory.children.values()) {
        if (skipped.contains(child)) {
          marks.add(child.meta.name());
        }
      }
    }
    if (marks.isEmpty()) {
      return;
    }
    if (alone) {
      DirectoryHandle handle = directories.of(directory);
      for (String name : marks) {
        handle.unlink(name);
      }
    } else {
      removing.add(directory.meta.path());
    }
  }

  private static void removeOtherXattrs(DirectoryHandle handle, EntryMeta meta)
      throws PosixException {
    for (String name : handle.xattrs().keySet()) {
      if (!meta.xattrs().containsKey(name) && Attributes.belongToImages(name)) {
        handle.removeXattr(name);
      }
    }
  }
}
