package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.Extent;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Makes entries that are no directories, with their metadata, in place of what has their name.
 * Nothing that is there is ever opened or written to. For one thread.
 */
final class EntryWriter {
  private final Form form;
  private final byte[] buffer = new byte[128 * 1024];
  private boolean whole = true;

  EntryWriter(Form form) {
    this.form = form;
  }

  /** Whether all entries so far have all that they should have. */
  boolean isWhole() {
    return whole;
  }

  /** Gives a directory its metadata. */
  void directory(DirectoryHandle directory, EntryMeta meta) throws IOException {
    whole &= MetaWriter.apply(directory, meta, form);
  }

  /** Makes a file with its content. */
  void file(DirectoryHandle parent, EntryMeta meta, LayerEvent.Entry entry) throws IOException {
    FileHandle[] created = new FileHandle[1];
    replacing(parent, meta.name(), () -> created[0] = parent.createFile(meta.name(), 0600));
    try (FileHandle file = created[0]) {
      if (meta.size() > 0) {
        writeContent(file, meta.size(), entry);
      }
      whole &= MetaWriter.apply(file, meta, form);
    }
  }

  private void writeContent(FileHandle file, long size, LayerEvent.Entry entry) throws IOException {
    List<Extent> extents = entry.extents();
    if (extents.size() == 1 && extents.getFirst().length() == size) {
      file.writeAll(entry.content(), buffer);
      return;
    }
    InputStream content = entry.content();
    long position = 0;
    for (Extent run : extents) {
      content.skipNBytes(run.fileOffset() - position);
      file.skip(run.fileOffset() - position);
      for (long left = run.length(); left > 0; ) {
        int count = content.readNBytes(buffer, 0, (int) Math.min(left, buffer.length));
        file.write(buffer, 0, count);
        left -= count;
      }
      position = run.fileOffset() + run.length();
    }
    file.truncate(size);
  }

  void symlink(DirectoryHandle parent, EntryMeta meta) throws IOException {
    String target = String.valueOf(meta.linkTarget());
    replacing(parent, meta.name(), () -> parent.makeSymlink(meta.name(), target));
    whole &= MetaWriter.apply(parent, meta.name(), meta, form);
  }

  /**
   * Makes a fifo or a device.
   *
   * @throws PosixException EPERM if the kernel does not let devices be made; then there is nothing
   */
  void node(DirectoryHandle parent, EntryMeta meta, FileType type) throws IOException {
    String name = meta.name();
    int major = meta.deviceMajor();
    int minor = meta.deviceMinor();
    replacing(parent, name, () -> parent.makeNode(name, type, 0600, major, minor));
    whole &= MetaWriter.apply(parent, name, meta, form);
  }

  /** Gives a file a further name. */
  static void link(DirectoryHandle parent, String name, DirectoryHandle from, String fromName)
      throws PosixException {
    try {
      parent.makeLink(name, from, fromName);
    } catch (PosixException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
      // What is in the way may hold the file itself, so that is moved out of it first.
      String free = freeName(parent);
      parent.makeLink(free, from, fromName);
      TreeRemover.remove(parent, name);
      parent.rename(free, parent, name);
    }
  }

  private static String freeName(DirectoryHandle directory) throws PosixException {
    int counter = 0;
    String name;
    do {
      name = ".kiln-link-" + counter++;
    } while (directory.find(name).isPresent());
    return name;
  }

  /** Creates an entry. */
  @FunctionalInterface
  interface Creation {
    void run() throws PosixException;
  }

  /** Creates an entry; what has its name is removed first. */
  static void replacing(DirectoryHandle parent, String name, Creation creation)
      throws PosixException {
    try {
      creation.run();
    } catch (PosixException e) {
      if (e.errno() != Errno.EEXIST) {
        throw e;
      }
      TreeRemover.remove(parent, name);
      creation.run();
    }
  }
}
