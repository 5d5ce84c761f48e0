package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A few small files, kept in memory; all are root's and of one time. Directories come from the
 * files' paths and have mode 0755.
 */
final class MemoryTree implements FileTree {
  private static final int DIRECTORY_MODE = 0755;

  private final long epoch;

  /** Entries by the directory they are in, by name. */
  private final Map<String, NavigableMap<String, EntryMeta>> directories = new HashMap<>();

  private final Map<String, byte[]> contents = new HashMap<>();

  /** An empty tree. */
  MemoryTree(long epoch) {
    this.epoch = epoch;
    directories.put("", new TreeMap<>(LayerPaths.BYTE_ORDER));
  }

  /**
   * Adds a file, before anyone else sees the tree.
   *
   * @param what names the source in messages
   * @throws ContextException INVALID if the path leads outside, is there already, or is a directory
   *     for one file and a file for another
   */
  void add(String what, String rawPath, int mode, byte[] content) throws ContextException {
    String path = normalise(what, rawPath);
    addDirectory(what, LayerPaths.parent(path));
    if (directories.containsKey(path)) {
      throw both(what, path);
    }
    var file = EntryMeta.file(path, mode, 0, 0, epoch, content.length);
    if (contents.putIfAbsent(path, content) != null) {
      throw new ContextException(
          Code.INVALID, "%s has the file \"%s\" twice; remove one".formatted(what, path));
    }
    siblings(path).put(file.name(), file);
  }

  private static String normalise(String what, String rawPath) throws ContextException {
    String path;
    try {
      path = LayerPaths.normalise(rawPath, what);
    } catch (LayerException e) {
      throw new ContextException(Code.INVALID, e.getMessage() + "; use a path without it", e);
    }
    if (path.isEmpty() || rawPath.startsWith("/")) {
      throw new ContextException(
          Code.INVALID,
          "%s: \"%s\" is no file's path; want one relative to the context's root"
              .formatted(what, rawPath));
    }
    return path;
  }

  private void addDirectory(String what, String path) throws ContextException {
    if (directories.containsKey(path)) {
      return;
    }
    if (contents.containsKey(path)) {
      throw both(what, path);
    }
    addDirectory(what, LayerPaths.parent(path));
    directories.put(path, new TreeMap<>(LayerPaths.BYTE_ORDER));
    siblings(path)
        .put(LayerPaths.name(path), EntryMeta.directory(path, DIRECTORY_MODE, 0, 0, epoch));
  }

  private NavigableMap<String, EntryMeta> siblings(String path) {
    return java.util.Objects.requireNonNull(directories.get(LayerPaths.parent(path)));
  }

  private static ContextException both(String what, String path) {
    return new ContextException(
        Code.INVALID,
        "%s has \"%s\" both as a file and as a folder of other files; rename one"
            .formatted(what, path));
  }

  @Override
  public Optional<EntryMeta> lookup(String path) {
    if (path.isEmpty()) {
      return Optional.of(EntryMeta.directory("", DIRECTORY_MODE, 0, 0, epoch));
    }
    return Optional.ofNullable(directories.get(LayerPaths.parent(path)))
        .map(directory -> directory.get(LayerPaths.name(path)));
  }

  @Override
  public List<EntryMeta> children(String path) {
    NavigableMap<String, EntryMeta> directory = directories.get(path);
    return directory == null ? List.of() : List.copyOf(directory.values());
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    byte[] content = contents.get(file.path());
    if (content == null || file.kind() != Kind.FILE) {
      throw new FileNotFoundException("the build context has no file \"" + file.path() + "\"");
    }
    return new ByteArrayInputStream(content);
  }
}
