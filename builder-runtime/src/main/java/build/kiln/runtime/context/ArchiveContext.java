package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FilePart;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.TarReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * A tar archive of any compression, read once from its start to its end. Files keep their times;
 * what comes later takes the place of what came before.
 */
public final class ArchiveContext implements BuildContext {
  private final Tree tree;

  private ArchiveContext(Tree tree) {
    this.tree = tree;
  }

  /**
   * Reads an archive.
   *
   * @param what names it in messages
   * @param contents a file that is made for what the archive's files hold, and removed on close
   * @throws ContextException INVALID if it is no tar, not whole, or leads outside
   */
  public static ArchiveContext read(InputStream in, String what, Path contents) throws IOException {
    var tree = new Tree(what, contents);
    try (TarReader tar = TarReader.ofArchive(Decompression.open(in, what), what);
        OutputStream out = Files.newOutputStream(contents)) {
      for (var event = tar.next(); event.isPresent(); event = tar.next()) {
        if (event.get() instanceof LayerEvent.Entry entry) {
          tree.add(entry, out);
        }
      }
      return new ArchiveContext(tree);
    } catch (LayerException e) {
      Files.deleteIfExists(contents);
      throw new ContextException(
          Code.INVALID, "%s is no archive to build from: %s".formatted(what, e.getMessage()), e);
    } catch (IOException e) {
      Files.deleteIfExists(contents);
      throw e;
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
  public void close() throws IOException {
    Files.deleteIfExists(tree.contents);
  }

  private static final class Tree implements FileTree {
    private final String what;
    private final Path contents;
    private final Map<String, NavigableMap<String, EntryMeta>> directories = new HashMap<>();

    /** Where a file's bytes begin. */
    private final Map<String, Long> starts = new HashMap<>();

    private long end;
    private long links;

    Tree(String what, Path contents) {
      this.what = what;
      this.contents = contents;
      directories.put("", new TreeMap<>(LayerPaths.BYTE_ORDER));
    }

    void add(LayerEvent.Entry entry, OutputStream out) throws IOException {
      EntryMeta meta = entry.meta();
      if (meta.path().isEmpty()) {
        return;
      }
      makeDirectory(LayerPaths.parent(meta.path()));
      if (!meta.isDirectory()) {
        forget(meta.path());
      }
      switch (meta.kind()) {
        case DIRECTORY -> directories.computeIfAbsent(meta.path(), p -> empty());
        case HARDLINK -> meta = linked(meta);
        case FILE -> {
          starts.put(meta.path(), end);
          end += entry.content().transferTo(out);
        }
        case SYMLINK, FIFO, CHARACTER_DEVICE, BLOCK_DEVICE -> {}
      }
      siblings(meta.path()).put(LayerPaths.name(meta.path()), meta);
    }

    private static NavigableMap<String, EntryMeta> empty() {
      return new TreeMap<>(LayerPaths.BYTE_ORDER);
    }

    private NavigableMap<String, EntryMeta> siblings(String path) {
      return directories.computeIfAbsent(LayerPaths.parent(path), p -> empty());
    }

    private void makeDirectory(String path) {
      if (path.isEmpty() || directories.containsKey(path)) {
        return;
      }
      makeDirectory(LayerPaths.parent(path));
      forget(path);
      directories.put(path, empty());
      siblings(path).put(LayerPaths.name(path), EntryMeta.directory(path, 0755, 0, 0, FIXED_TIME));
    }

    private void forget(String path) {
      NavigableMap<String, EntryMeta> gone = directories.remove(path);
      if (gone != null) {
        gone.values().forEach(child -> forget(child.path()));
      }
      starts.remove(path);
    }

    private EntryMeta linked(EntryMeta link) throws ContextException {
      String target = String.valueOf(link.linkTarget());
      EntryMeta first = siblings(target).get(LayerPaths.name(target));
      Long start = starts.get(target);
      if (first == null || start == null) {
        throw new ContextException(
            Code.INVALID,
            "%s: \"%s\" is a hard link to \"%s\", which does not come before it"
                .formatted(what, link.path(), target));
      }
      if (first.linkId() == 0) {
        first = first.withLinkId(++links);
        siblings(target).put(first.name(), first);
      }
      starts.put(link.path(), start);
      return first.withPath(link.path());
    }

    @Override
    public Optional<EntryMeta> lookup(String path) {
      if (path.isEmpty()) {
        return Optional.of(EntryMeta.directory("", 0755, 0, 0, FIXED_TIME));
      }
      NavigableMap<String, EntryMeta> siblings = directories.get(LayerPaths.parent(path));
      return siblings == null
          ? Optional.empty()
          : Optional.ofNullable(siblings.get(LayerPaths.name(path)));
    }

    @Override
    public List<EntryMeta> children(String path) {
      NavigableMap<String, EntryMeta> children = directories.get(path);
      return children == null ? List.of() : List.copyOf(children.values());
    }

    @Override
    public InputStream open(EntryMeta file) throws IOException {
      Long start = file.kind() == Kind.FILE ? starts.get(file.path()) : null;
      if (start == null) {
        throw new FileNotFoundException(what + " has no file " + file.path());
      }
      return new FilePart(contents, start, file.size());
    }
  }
}
