package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.PosixException;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** A folder at a desk. Files keep their times. */
public final class LocalContext implements BuildContext {
  private final DirectoryHandle root;
  private final @Nullable StatCache cache;
  private final LocalTree tree;

  private LocalContext(DirectoryHandle root, @Nullable StatCache cache) {
    this.root = root;
    this.cache = cache;
    this.tree = new LocalTree(root, cache);
  }

  /**
   * Opens a folder; symbolic links to it are followed, and none that are in it.
   *
   * @throws ContextException NOT_FOUND, INVALID if it is no folder, UNREADABLE
   */
  public static LocalContext open(Path folder) throws ContextException {
    try {
      return new LocalContext(DirectoryHandle.open(folder), null);
    } catch (PosixException e) {
      throw unreadable(folder, e);
    }
  }

  /**
   * Opens a folder whose files need not be read again in each build.
   *
   * @param hashes where the hashes of its files are kept; unused on file systems that do not tell
   *     reliably what has changed
   * @throws ContextException as above
   */
  public static LocalContext open(Path folder, StatCache.Storage hashes) throws ContextException {
    try {
      DirectoryHandle root = DirectoryHandle.open(folder);
      return new LocalContext(root, StatCache.of(root, hashes).orElse(null));
    } catch (PosixException e) {
      throw unreadable(folder, e);
    }
  }

  private static ContextException unreadable(Path folder, PosixException e) {
    Code code =
        switch (e.errno()) {
          case ENOENT -> Code.NOT_FOUND;
          case ENOTDIR, ELOOP -> Code.INVALID;
          default -> Code.UNREADABLE;
        };
    return new ContextException(
        code,
        "cannot open the build context %s: %s; name a folder that exists and may be read"
            .formatted(folder, e.errno().meaning()),
        e);
  }

  @Override
  public FileTree tree() {
    return tree;
  }

  @Override
  public OptionalLong epoch() {
    return OptionalLong.empty();
  }

  @Override
  public void close() {
    if (cache != null) {
      cache.save();
    }
    root.close();
  }
}
