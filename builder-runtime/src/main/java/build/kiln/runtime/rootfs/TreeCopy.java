package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/**
 * Copies files of a tree to disk, for a step to see them. Symbolic links are copied, never
 * followed; everything goes beneath directory handles.
 */
public final class TreeCopy {
  private final FileTree tree;
  private final boolean owners;
  private final EntryWriter entries = new EntryWriter(new Form.Merged());
  private final byte[] buffer = new byte[128 * 1024];

  /** The first copy of each file of several names. */
  private final Map<Long, Copied> links = new HashMap<>();

  private final DirectoryHandle top;

  /** Where a file was copied to, beneath {@code top}. */
  private record Copied(String directory, String name) {}

  private TreeCopy(FileTree tree, boolean owners, DirectoryHandle top) {
    this.tree = tree;
    this.owners = owners;
    this.top = top;
  }

  /**
   * Copies an entry with all below it.
   *
   * @param source no symbolic link
   * @param parent where to; nothing there has the name
   * @param owners whether owners are kept; else all of it belongs to root
   * @throws RootfsException if it cannot be done here
   */
  public static void copy(
      FileTree tree, EntryMeta source, DirectoryHandle parent, String name, boolean owners)
      throws IOException {
    Failures.explained(
        "copy \"/" + source.path() + "\" for a mount to " + parent.label(),
        () ->
            DeepStack.call(
                () -> {
                  new TreeCopy(tree, owners, parent).copy(source, parent, "", name);
                  return name;
                }));
  }

  private void copy(EntryMeta source, DirectoryHandle parent, String directory, String name)
      throws IOException {
    EntryMeta meta = source.withPath(name);
    if (!owners) {
      meta = meta.withOwner(0, 0);
    }
    switch (source.kind()) {
      case DIRECTORY -> directory(source, meta, parent, directory);
      case FILE -> file(source, meta, parent, directory);
      case SYMLINK -> entries.symlink(parent, meta);
      case FIFO -> entries.node(parent, meta, FileType.FIFO);
      case CHARACTER_DEVICE, BLOCK_DEVICE -> {
        // In a user namespace there are none; a step could not open it on any tier.
      }
      case HARDLINK -> throw new IllegalArgumentException("a tree has no hard links of its own");
    }
  }

  private void directory(EntryMeta source, EntryMeta meta, DirectoryHandle parent, String directory)
      throws IOException {
    parent.makeDirectory(meta.name(), 0700);
    try (DirectoryHandle made = parent.openDirectory(meta.name())) {
      String path = directory.isEmpty() ? meta.name() : directory + "/" + meta.name();
      for (EntryMeta child : tree.children(source.path())) {
        copy(child, made, path, child.name());
      }
      MetaWriter.apply(made, meta, new Form.Merged());
    }
  }

  private void file(EntryMeta source, EntryMeta meta, DirectoryHandle parent, String directory)
      throws IOException {
    Copied first = source.linkId() == 0 ? null : links.get(source.linkId());
    if (first != null) {
      try (DirectoryHandle from = DirectoryCache.open(top, first.directory)) {
        EntryWriter.link(parent, meta.name(), from, first.name);
      }
      return;
    }
    try (InputStream content = tree.open(source);
        FileHandle file = parent.createFile(meta.name(), 0600)) {
      file.writeAll(content, buffer);
      MetaWriter.apply(file, meta, new Form.Merged());
    }
    if (source.linkId() != 0) {
      links.put(source.linkId(), new Copied(directory, meta.name()));
    }
  }
}
