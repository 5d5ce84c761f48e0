package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.Errno;
import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import build.kiln.runtime.posix.PosixException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The files beneath an open directory, read when they are asked for. No symbolic link is followed,
 * so nothing outside is ever seen.
 *
 * <p>Extended attributes are not read: what a desktop's file system notes of a file (SELinux
 * labels, download marks) is no part of an image, and the same files must make the same layer on
 * every machine. Sockets are left out, as docker leaves them out.
 */
final class LocalTree implements FileTree {
  private final DirectoryHandle root;
  private final Map<Inode, Long> links = new ConcurrentHashMap<>();
  private final AtomicLong lastLink = new AtomicLong();
  private final @Nullable StatCache cache;

  /** What was seen of files whose content nobody has asked for yet, by path. */
  private final Map<String, FileStatus> seen = new ConcurrentHashMap<>();

  private record Inode(long device, long number) {}

  LocalTree(DirectoryHandle root) {
    this(root, null);
  }

  /**
   * @param cache of the files' content
   */
  LocalTree(DirectoryHandle root, @Nullable StatCache cache) {
    this.root = root;
    this.cache = cache;
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    if (path.isEmpty()) {
      return entry(root, "", "", root.status());
    }
    try (DirectoryHandle parent = directory(LayerPaths.parent(path))) {
      if (parent == null) {
        return Optional.empty();
      }
      String name = LayerPaths.name(path);
      if (name.isEmpty() || name.equals(".") || name.equals("..")) {
        return Optional.empty();
      }
      Optional<FileStatus> status = parent.find(name);
      return status.isEmpty() ? Optional.empty() : entry(parent, name, path, status.get());
    } catch (PosixException e) {
      throw failed("look up", path, e);
    }
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    try (DirectoryHandle directory = directory(path)) {
      if (directory == null) {
        return List.of();
      }
      var children = new ArrayList<EntryMeta>();
      for (DirectoryHandle.Entry child : directory.entries()) {
        entry(directory, child.name(), LayerPaths.join(path, child.name()), child.status())
            .ifPresent(children::add);
      }
      return children;
    } catch (PosixException e) {
      throw failed("list", path, e);
    }
  }

  /** A directory beneath the root; null if there is none of that path. */
  private @Nullable DirectoryHandle directory(String path) throws PosixException {
    try {
      return root.findDirectory(path).orElse(null);
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOTDIR || e.errno() == Errno.ELOOP || e.errno() == Errno.EXDEV) {
        return null;
      }
      throw e;
    }
  }

  private Optional<EntryMeta> entry(
      DirectoryHandle parent, String name, String path, FileStatus status) throws PosixException {
    if (status.type() == FileType.SOCKET) {
      return Optional.empty();
    }
    Kind kind = kind(status.type());
    if (cache != null && kind == Kind.FILE && seen.size() < StatTable.LIMIT) {
      seen.put(path, status);
    }
    boolean device = kind == Kind.CHARACTER_DEVICE || kind == Kind.BLOCK_DEVICE;
    return Optional.of(
        new EntryMeta(
            path,
            kind,
            status.mode(),
            status.uid(),
            status.gid(),
            status.mtimeSeconds(),
            status.mtimeNanos(),
            kind == Kind.FILE ? status.size() : 0,
            kind == Kind.SYMLINK ? parent.readLink(name) : null,
            device ? status.deviceMajor() : 0,
            device ? status.deviceMinor() : 0,
            new TreeMap<>(),
            linkId(status)));
  }

  /** Files of several names get a number; which one depends on what was asked for first. */
  private long linkId(FileStatus status) {
    if (status.links() < 2 || status.isDirectory()) {
      return 0;
    }
    return links.computeIfAbsent(
        new Inode(status.device(), status.inode()), inode -> lastLink.incrementAndGet());
  }

  private static Kind kind(FileType type) {
    return switch (type) {
      case FILE -> Kind.FILE;
      case DIRECTORY -> Kind.DIRECTORY;
      case SYMLINK -> Kind.SYMLINK;
      case CHARACTER_DEVICE -> Kind.CHARACTER_DEVICE;
      case BLOCK_DEVICE -> Kind.BLOCK_DEVICE;
      case FIFO -> Kind.FIFO;
      case SOCKET -> throw new IllegalArgumentException("sockets are left out");
    };
  }

  @Override
  public Optional<byte[]> knownHash(EntryMeta file) {
    FileStatus status = cache == null ? null : seen.remove(file.path());
    return cache == null || status == null || !isOf(file, status)
        ? Optional.empty()
        : cache.find(status);
  }

  /** Whether an entry was made of this, and not of what is there since. */
  private static boolean isOf(EntryMeta file, FileStatus status) {
    return status.size() == file.size()
        && status.mtimeSeconds() == file.mtimeSeconds()
        && status.mtimeNanos() == file.mtimeNanos();
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    seen.remove(file.path());
    try {
      return SteadyFile.open(root.openFile(file.path()), file, cache);
    } catch (PosixException e) {
      throw failed("read", file.path(), e);
    }
  }

  private ContextException failed(String what, String path, PosixException e) {
    String where = path.isEmpty() ? root.label() : root.label() + "/" + path;
    return switch (e.errno()) {
      case ENOENT, ENOTDIR, ELOOP, ENXIO, EINVAL, ESTALE -> SteadyFile.changed(where, "is gone", e);
      case EACCES, EPERM ->
          new ContextException(
              Code.UNREADABLE,
              "cannot %s %s: %s; make it readable, or leave it out by .dockerignore"
                  .formatted(what, where, e.errno().meaning()),
              e);
      default ->
          new ContextException(
              Code.UNREADABLE, "cannot %s %s: %s".formatted(what, where, e.getMessage()), e);
    };
  }
}
