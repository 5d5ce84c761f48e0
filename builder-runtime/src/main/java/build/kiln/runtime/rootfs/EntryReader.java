package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.FileHandle;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.io.IOException;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads entries of a directory into a layer.
 *
 * @param shown which attributes an entry has, by those that it has on disk
 */
record EntryReader(Shown shown) {

  /** Tells attributes as a process in the root sees them by those on disk. */
  @FunctionalInterface
  interface Shown {
    SortedMap<String, byte[]> of(String path, SortedMap<String, byte[]> onDisk)
        throws RootfsException;
  }

  /** Adds what has this name, with its content; sockets have no form in a layer. */
  void add(
      LayerSource.Sink sink, DirectoryHandle parent, String name, String path, FileStatus status)
      throws IOException {
    switch (status.type()) {
      case FILE -> addFile(sink, parent, name, path);
      case SYMLINK ->
          sink.add(meta(path, status, Kind.SYMLINK, parent.readLink(name), parent.xattrs(name)));
      case FIFO -> sink.add(meta(path, status, Kind.FIFO, null, parent.xattrs(name)));
      case CHARACTER_DEVICE ->
          sink.add(meta(path, status, Kind.CHARACTER_DEVICE, null, parent.xattrs(name)));
      case BLOCK_DEVICE ->
          sink.add(meta(path, status, Kind.BLOCK_DEVICE, null, parent.xattrs(name)));
      case DIRECTORY, SOCKET ->
          throw new IllegalArgumentException(status.type() + " \"" + path + "\" is no entry here");
    }
  }

  private void addFile(LayerSource.Sink sink, DirectoryHandle parent, String name, String path)
      throws IOException {
    try (FileHandle file = parent.openFile(name)) {
      EntryMeta meta = meta(path, file.status(), Kind.FILE, null, file.xattrs());
      if (meta.size() == 0) {
        sink.add(meta);
      } else {
        sink.add(meta, file.inputStream());
      }
    }
  }

  /** An open directory's entry. */
  EntryMeta directory(String path, DirectoryHandle directory) throws IOException {
    return meta(path, directory.status(), Kind.DIRECTORY, null, directory.xattrs());
  }

  private EntryMeta meta(
      String path,
      FileStatus status,
      Kind kind,
      @Nullable String linkTarget,
      SortedMap<String, byte[]> xattrs)
      throws RootfsException {
    boolean device = kind == Kind.CHARACTER_DEVICE || kind == Kind.BLOCK_DEVICE;
    return new EntryMeta(
        path,
        kind,
        status.mode(),
        status.uid(),
        status.gid(),
        status.mtimeSeconds(),
        status.mtimeNanos(),
        status.type() == FileType.FILE ? status.size() : 0,
        linkTarget,
        device ? status.deviceMajor() : 0,
        device ? status.deviceMinor() : 0,
        Attributes.forLayer(shown.of(path, xattrs)),
        kind != Kind.DIRECTORY && status.links() > 1 ? status.inode() : 0);
  }
}
