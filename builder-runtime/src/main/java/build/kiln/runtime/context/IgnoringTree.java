package build.kiln.runtime.context;

import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A view of a tree without what an ignore file hides. A directory that is hidden but holds
 * something that is not, is there all the same.
 */
public final class IgnoringTree implements FileTree {
  private final FileTree tree;

  /** What the patterns say of directories that were met, by path. */
  private final Map<String, IgnoreFile.Scope> scopes = new ConcurrentHashMap<>();

  /** Whether hidden directories hold something that is not hidden, by path. */
  private final Map<String, Boolean> needed = new ConcurrentHashMap<>();

  private IgnoringTree(FileTree tree, IgnoreFile ignore) {
    this.tree = tree;
    scopes.put("", ignore.root());
  }

  public static IgnoringTree of(FileTree tree, IgnoreFile ignore) {
    return new IgnoringTree(tree, ignore);
  }

  /**
   * Why a path of this tree cannot be seen: the pattern that hides it and its line. Empty if it can
   * be seen, or is not there at all.
   */
  public Optional<String> whyHidden(String path) throws IOException {
    Optional<EntryMeta> entry = tree.lookup(path);
    return entry.isPresent() && !isVisible(entry.get())
        ? scope(path).decidedBy()
        : Optional.empty();
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    Optional<EntryMeta> entry = tree.lookup(path);
    return entry.isPresent() && isVisible(entry.get()) ? entry : Optional.empty();
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    var visible = new ArrayList<EntryMeta>();
    if (path.isEmpty() || scope(path).mayContainIncluded()) {
      for (EntryMeta child : tree.children(path)) {
        if (isVisible(child)) {
          visible.add(child);
        }
      }
    }
    return visible;
  }

  @Override
  public Optional<byte[]> knownHash(EntryMeta file) throws IOException {
    return tree.knownHash(file);
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    if (scope(file.path()).excluded()) {
      throw new FileNotFoundException("\"" + file.path() + "\" is hidden by the ignore file");
    }
    return tree.open(file);
  }

  private boolean isVisible(EntryMeta entry) throws IOException {
    IgnoreFile.Scope scope = scope(entry.path());
    if (!scope.excluded() || entry.path().isEmpty()) {
      return true;
    }
    if (!entry.isDirectory() || !scope.mayContainIncluded()) {
      return false;
    }
    Boolean known = needed.get(entry.path());
    if (known == null) {
      known = !children(entry.path()).isEmpty();
      needed.put(entry.path(), known);
    }
    return known;
  }

  private IgnoreFile.Scope scope(String path) {
    IgnoreFile.Scope known = scopes.get(path);
    if (known != null) {
      return known;
    }
    String parent = LayerPaths.parent(path);
    IgnoreFile.Scope above = scopes.get(parent);
    if (above == null) {
      above = scope(parent);
      scopes.put(parent, above);
    }
    return above.child(LayerPaths.name(path));
  }
}
