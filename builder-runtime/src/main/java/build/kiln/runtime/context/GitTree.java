package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.Names;
import java.io.FileNotFoundException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectReader;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.treewalk.CanonicalTreeParser;
import org.jspecify.annotations.Nullable;

/**
 * A tree object of Git as a tree of files: modes 0644 or 0755, links, and directories of mode 0755;
 * all root's and of one time.
 */
final class GitTree implements FileTree {
  private static final int CACHED_DIRECTORIES = 1024;
  private static final int MAX_LINK_TARGET = 4096;

  private final Repository repository;
  private final ObjectId root;
  private final String where;
  private final long epoch;

  /** Directories that were read, by path; the longest unused one goes first. */
  private final Map<String, NavigableMap<String, Node>> cache =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, NavigableMap<String, Node>> e) {
              return size() > CACHED_DIRECTORIES;
            }
          });

  /**
   * @param id null for the empty directory that stands for a submodule
   */
  private record Node(EntryMeta meta, @Nullable ObjectId id) {}

  /**
   * @param where what the tree is called in messages
   * @param epoch every entry's time
   */
  GitTree(Repository repository, ObjectId root, String where, long epoch) {
    this.repository = repository;
    this.root = root;
    this.where = where;
    this.epoch = epoch;
  }

  /** The tree of one of this tree's directories. */
  GitTree at(String path) throws IOException {
    if (path.isEmpty()) {
      return this;
    }
    ObjectId id = node(path).map(Node::id).orElse(null);
    // A submodule is empty; so is Git's tree without entries, which every repository can write.
    return id == null
        ? new GitTree(repository, ObjectId.zeroId(), where, epoch)
        : new GitTree(repository, id, where, epoch);
  }

  /** The same with another time. */
  GitTree dated(long time) {
    return new GitTree(repository, root, where, time);
  }

  long epoch() {
    return epoch;
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    return path.isEmpty()
        ? Optional.of(EntryMeta.directory("", 0755, 0, 0, epoch))
        : node(path).map(Node::meta);
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    return directory(path).values().stream().map(Node::meta).toList();
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    Node node = node(file.path()).orElse(null);
    if (node == null || node.id == null || node.meta.kind() != Kind.FILE) {
      throw new FileNotFoundException("%s has no file \"%s\"".formatted(where, file.path()));
    }
    ObjectReader reader = repository.newObjectReader();
    try {
      return new FilterInputStream(reader.open(node.id, Constants.OBJ_BLOB).openStream()) {
        @Override
        public void close() throws IOException {
          try (reader) {
            super.close();
          }
        }
      };
    } catch (IOException e) {
      reader.close();
      throw damaged(file.path(), e);
    }
  }

  private Optional<Node> node(String path) throws IOException {
    return Optional.ofNullable(directory(LayerPaths.parent(path)).get(LayerPaths.name(path)));
  }

  /** A directory's entries by name; none for what is no directory. */
  private NavigableMap<String, Node> directory(String path) throws IOException {
    NavigableMap<String, Node> known = cache.get(path);
    if (known != null) {
      return known;
    }
    ObjectId id = root;
    if (!path.isEmpty()) {
      Node node = node(path).orElse(null);
      id = node == null || !node.meta.isDirectory() ? null : node.id;
    }
    NavigableMap<String, Node> entries =
        id == null || id.equals(ObjectId.zeroId())
            ? Collections.emptyNavigableMap()
            : read(path, id);
    cache.put(path, entries);
    return entries;
  }

  private NavigableMap<String, Node> read(String path, ObjectId id) throws IOException {
    var entries = new TreeMap<String, Node>(LayerPaths.BYTE_ORDER);
    try (ObjectReader reader = repository.newObjectReader()) {
      // Git sorts a directory's name as if a slash followed; our order is by name alone.
      for (var at = new CanonicalTreeParser(null, reader, id); !at.eof(); at.next()) {
        byte[] raw = new byte[at.getNameLength()];
        at.getName(raw, 0);
        String name = Names.decode(raw);
        if (!isName(name) || entries.containsKey(name)) {
          throw new ContextException(
              Code.INVALID,
              "%s has a tree \"%s\" with the entry \"%s\", which is no name or is there twice; the repository is damaged"
                  .formatted(where, path, name));
        }
        String child = LayerPaths.join(path, name);
        entries.put(name, node(reader, child, at.getEntryFileMode(), at.getEntryObjectId()));
      }
    } catch (ContextException e) {
      throw e;
    } catch (IOException e) {
      throw damaged(path, e);
    }
    return entries;
  }

  private static boolean isName(String name) {
    return !name.isEmpty()
        && !name.equals(".")
        && !name.equals("..")
        && name.indexOf('/') < 0
        && name.indexOf('\0') < 0;
  }

  private Node node(ObjectReader reader, String path, FileMode mode, ObjectId id)
      throws IOException {
    if (mode.equals(FileMode.TREE)) {
      return new Node(EntryMeta.directory(path, 0755, 0, 0, epoch), id);
    }
    if (mode.equals(FileMode.GITLINK)) {
      return new Node(EntryMeta.directory(path, 0755, 0, 0, epoch), null);
    }
    if (mode.equals(FileMode.SYMLINK)) {
      byte[] target = reader.open(id, Constants.OBJ_BLOB).getCachedBytes(MAX_LINK_TARGET);
      return new Node(EntryMeta.symlink(path, Names.decode(target), 0, 0, epoch), id);
    }
    int permissions = mode.equals(FileMode.EXECUTABLE_FILE) ? 0755 : 0644;
    long size = reader.getObjectSize(id, Constants.OBJ_BLOB);
    return new Node(EntryMeta.file(path, permissions, 0, 0, epoch, size), id);
  }

  private ContextException damaged(String path, IOException e) {
    return new ContextException(
        Code.INVALID, "cannot read \"%s\" of %s: %s".formatted(path, where, e.getMessage()), e);
  }
}
