package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.PosixException;
import java.nio.file.Path;
import java.util.OptionalLong;

/** A folder at a desk. Files keep their times. */
public final class LocalContext implements BuildContext {
  private final DirectoryHandle root;
  private final LocalTree tree;

  private LocalContext(DirectoryHandle root) {
    this.root = root;
    this.tree = new LocalTree(root);
  }

  /**
   * Opens a folder; symbolic links to it are followed, and none that are in it.
   *
   * @throws ContextException NOT_FOUND, INVALID if it is no folder, UNREADABLE
   */
  public static LocalContext open(Path folder) throws ContextException {
    try {
      return new LocalContext(DirectoryHandle.open(folder));
    } catch (PosixException e) {
      Code code =
          switch (e.errno()) {
            case ENOENT -> Code.NOT_FOUND;
            case ENOTDIR, ELOOP -> Code.INVALID;
            default -> Code.UNREADABLE;
          };
      throw new ContextException(
          code,
          "cannot open the build context %s: %s; name a folder that exists and may be read"
              .formatted(folder, e.errno().meaning()),
          e);
    }
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
    root.close();
  }
}
