package build.kiln.runtime.build;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.rootfs.Resolved;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The layer that COPY, ADD or WORKDIR makes, entry by entry, on top of what the base has. Directory
 * entries on the way to what is new are repeated as the base has them: who applies the layer into
 * an empty directory would else make up their modes.
 */
final class CopyPlan implements LayerSource {
  private final Paths.Lookup base;
  private final DirectoryMaker maker;
  // Looked into for every entry and its parents, and put in order once.
  private final Map<String, Item> items = new LinkedHashMap<>();
  private final Set<String> replaced = new HashSet<>();

  /** Where a file's bytes come from. */
  @FunctionalInterface
  interface Content {
    InputStream open() throws IOException;
  }

  /** What new parent directories are like. */
  record DirectoryMaker(int mode, int uid, int gid, long mtime) {
    EntryMeta make(String path) {
      return EntryMeta.directory(path, mode, uid, gid, mtime);
    }
  }

  private record Item(EntryMeta meta, @Nullable Content content) {}

  /** The destination cannot take what is copied; the message says why. */
  static final class Conflict extends Exception {
    Conflict(String message) {
      super(message);
    }
  }

  /**
   * @param base what is there already; finds nothing for a layer that must not depend on it
   */
  CopyPlan(Paths.Lookup base, DirectoryMaker maker) {
    this.base = base;
    this.maker = maker;
  }

  /** Whether nothing changes. */
  boolean isEmpty() {
    return items.isEmpty();
  }

  /** The time of what it makes, in seconds. */
  long time() {
    return maker.mtime();
  }

  /** What will be at a path. */
  Optional<EntryMeta> lookup(String path) throws IOException {
    Item item = items.get(path);
    if (item != null) {
      return Optional.of(item.meta);
    }
    return isBelowReplaced(path) ? Optional.empty() : base.at(path);
  }

  Resolved resolve(String path) throws IOException {
    return Paths.resolve(this::lookup, path);
  }

  /**
   * Makes sure that a directory is there, with its parents.
   *
   * @param path where links were followed
   * @throws Conflict if something else is in the way
   */
  void directory(String path) throws IOException, Conflict {
    directory(path, maker);
  }

  /** The same, with other parents than the plan's own. */
  void directory(String path, DirectoryMaker parents) throws IOException, Conflict {
    Item there = items.get(path);
    if (there != null && there.meta.isDirectory()) {
      return;
    }
    Optional<EntryMeta> found = lookup(path);
    if (found.isPresent() && !found.get().isDirectory()) {
      throw new Conflict("\"/%s\" is no directory but a %s".formatted(path, words(found.get())));
    }
    if (path.isEmpty()) {
      // Root's own entry is left out, as others do.
      return;
    }
    directory(LayerPaths.parent(path), parents);
    items.put(path, new Item(found.orElseGet(() -> parents.make(path)), null));
  }

  /** As {@link #directory(String)}, and dates it. */
  void directory(String path, long seconds, int nanos) throws IOException, Conflict {
    directory(path);
    items.computeIfPresent(
        path, (p, item) -> new Item(item.meta.withMtime(seconds, nanos), item.content));
  }

  /**
   * Puts an entry, with its parents; an entry of the same path is replaced.
   *
   * @throws Conflict if it is a directory that meets something else, or the other way round
   */
  void put(EntryMeta meta, @Nullable Content content) throws IOException, Conflict {
    Optional<EntryMeta> found = lookup(meta.path());
    if (found.isPresent() && found.get().isDirectory() != meta.isDirectory()) {
      throw new Conflict(
          meta.isDirectory()
              ? "cannot copy a directory to \"/%s\", which is a %s"
                  .formatted(meta.path(), words(found.get()))
              : "cannot copy a %s over the directory \"/%s\"".formatted(words(meta), meta.path()));
    }
    directory(LayerPaths.parent(meta.path()));
    items.put(meta.path(), new Item(meta, content));
  }

  /**
   * Puts an entry in the place of whatever is there; a directory joins a directory.
   *
   * @throws Conflict if a directory should come back where it was replaced
   */
  void replace(EntryMeta meta, @Nullable Content content) throws IOException, Conflict {
    Optional<EntryMeta> found = lookup(meta.path());
    if (found.isPresent() && found.get().isDirectory() != meta.isDirectory()) {
      items.keySet().removeIf(path -> path.startsWith(meta.path() + "/"));
      items.remove(meta.path());
      if (meta.isDirectory() && replaced.contains(meta.path())) {
        throw new Conflict(
            "\"/%s\" is a directory, then a %s, then a directory"
                .formatted(meta.path(), words(found.get())));
      }
      if (found.get().isDirectory()) {
        replaced.add(meta.path());
      }
    }
    directory(LayerPaths.parent(meta.path()));
    items.put(meta.path(), new Item(meta, content));
  }

  private boolean isBelowReplaced(String path) {
    return !replaced.isEmpty() && replaced.stream().anyMatch(gone -> path.startsWith(gone + "/"));
  }

  private static String words(EntryMeta meta) {
    return switch (meta.kind()) {
      case FILE, HARDLINK -> "file";
      case DIRECTORY -> "directory";
      case SYMLINK -> "symbolic link";
      case CHARACTER_DEVICE, BLOCK_DEVICE -> "device";
      case FIFO -> "fifo";
    };
  }

  @Override
  public void writeTo(Sink sink) throws IOException {
    var inOrder = new ArrayList<>(items.values());
    inOrder.sort((a, b) -> LayerPaths.BYTE_ORDER.compare(a.meta.path(), b.meta.path()));
    for (Item item : inOrder) {
      if (item.content == null) {
        sink.add(item.meta);
      } else {
        sink.add(item.meta, item.content.open());
      }
    }
  }
}
