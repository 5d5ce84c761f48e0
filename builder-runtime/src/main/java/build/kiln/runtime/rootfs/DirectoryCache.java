package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.PosixException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Handles of a tree's directories, the last few kept open: entries of a layer mostly share their
 * parent with the one before. A directory is opened beneath the root, without following links. For
 * one thread.
 */
final class DirectoryCache implements AutoCloseable {
  private static final int OPEN = 16;

  /** Names may take three bytes a character; a call takes 4,095. */
  private static final int MAX_CHARACTERS = 1300;

  private final DirectoryHandle root;
  private final Map<ImageNode, DirectoryHandle> open = new LinkedHashMap<>(32, 0.75f, true);
  private @Nullable ImageNode last;
  private @Nullable DirectoryHandle lastHandle;

  DirectoryCache(DirectoryHandle root) {
    this.root = root;
  }

  /** The directory's handle, valid for the next few calls; not to be closed. */
  DirectoryHandle of(ImageNode directory) throws PosixException {
    if (directory == last && lastHandle != null) {
      return lastHandle;
    }
    DirectoryHandle handle = open.get(directory);
    if (handle == null) {
      handle = open(root, directory.meta.path());
      open.put(directory, handle);
      if (open.size() > OPEN) {
        var eldest = open.entrySet().iterator();
        eldest.next().getValue().close();
        eldest.remove();
      }
    }
    last = directory;
    lastHandle = handle;
    return handle;
  }

  /** Opens a directory beneath the root whose path may be longer than a call takes. */
  static DirectoryHandle open(DirectoryHandle root, String path) throws PosixException {
    DirectoryHandle at = root;
    String rest = path;
    while (rest.length() > MAX_CHARACTERS) {
      int cut = rest.lastIndexOf('/', MAX_CHARACTERS);
      if (cut < 0) {
        break;
      }
      DirectoryHandle next = step(root, at, rest.substring(0, cut));
      rest = rest.substring(cut + 1);
      at = next;
    }
    return step(root, at, rest);
  }

  private static DirectoryHandle step(DirectoryHandle root, DirectoryHandle at, String path)
      throws PosixException {
    try {
      return at.openDirectory(path);
    } finally {
      if (at != root) {
        at.close();
      }
    }
  }

  @Override
  public void close() {
    open.values().forEach(DirectoryHandle::close);
    open.clear();
    last = null;
  }
}
