package build.kiln.runtime.build;

import build.kiln.runtime.build.Accounts.Owner;
import build.kiln.runtime.build.CopyPlan.Conflict;
import build.kiln.runtime.build.CopyPlan.DirectoryMaker;
import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.EntryMeta.Kind;
import build.kiln.runtime.layer.FilePart;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerEvent;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.store.LocalStore;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks local archives into a plan, as ADD does: tars of any compression. Their entries keep
 * their owners, modes and times, and take the place of what is there: only a directory joins one.
 * Contents go through one temporary file, since a plan writes them in the order of their paths.
 */
final class ArchiveLayer implements AutoCloseable {
  private final @Nullable Owner owner;
  private final Path file;
  private long end;
  // Below zero: other sources of the same plan have ids above.
  private long linkIds;

  /**
   * @param store gives the place for the temporary file
   * @param owner of all that is unpacked; null keeps the archive's
   */
  ArchiveLayer(LocalStore store, @Nullable Owner owner) throws IOException {
    this.owner = owner;
    this.file = store.scratch("add").resolve("content");
  }

  /**
   * Whether a file's content is a tar archive: others, compressed or not, are copied as they are.
   */
  static boolean isArchive(FileTree tree, EntryMeta source) throws IOException {
    if (source.kind() != Kind.FILE || source.size() == 0) {
      return false;
    }
    try (InputStream in = new BufferedInputStream(tree.open(source))) {
      return TarReader.isArchive(in, source.path());
    }
  }

  /**
   * Puts all entries below a directory.
   *
   * @throws LayerException if the archive is not whole or not safe
   */
  void unpack(FileTree tree, EntryMeta source, String destination, CopyPlan plan)
      throws IOException, Conflict {
    Owner to = owner == null ? Owner.ROOT : owner;
    plan.directory(
        plan.resolve(destination).path(),
        new DirectoryMaker(0755, to.uid(), to.gid(), plan.time()));
    // Directories that the archive only implies are root's, as tar makes them; --chmod is for none.
    var implied = new DirectoryMaker(0755, 0, 0, plan.time());
    Map<String, Unpacked> links = new HashMap<>();
    try (InputStream in = new BufferedInputStream(tree.open(source));
        TarReader tar = TarReader.ofArchive(Decompression.open(in, source.path()), source.path());
        OutputStream out =
            Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      for (var event = tar.next(); event.isPresent(); event = tar.next()) {
        if (!(event.get() instanceof LayerEvent.Entry entry)) {
          throw new IllegalStateException("an archive has no whiteouts");
        }
        EntryMeta meta = entry.meta();
        if (meta.path().isEmpty()) {
          continue;
        }
        String target = target(destination, meta.path(), plan);
        Unpacked unpacked;
        if (meta.kind() == Kind.HARDLINK) {
          String named = String.valueOf(meta.linkTarget());
          Unpacked first = links.get(target(destination, named, plan));
          if (first == null) {
            throw new Conflict(
                "the archive's \"%s\" is a hard link to \"%s\", which does not come before it"
                    .formatted(meta.path(), named));
          }
          if (first.meta.linkId() == 0) {
            first = first.linked(--linkIds);
            plan.put(first.meta, first.content);
            links.put(first.meta.path(), first);
          }
          unpacked = new Unpacked(first.meta.withPath(target), first.content);
        } else {
          unpacked = new Unpacked(owned(meta.withPath(target)), content(entry, out));
        }
        links.put(target, unpacked);
        plan.directory(LayerPaths.parent(target), implied);
        plan.replace(unpacked.meta, unpacked.content);
      }
    }
  }

  /** As it is in the file system: Linux has one mode for symbolic links. */
  private EntryMeta owned(EntryMeta meta) {
    EntryMeta real = meta.kind() == Kind.SYMLINK ? meta.withMode(0777) : meta;
    return owner == null ? real : real.withOwner(owner.uid(), owner.gid());
  }

  private record Unpacked(EntryMeta meta, CopyPlan.@Nullable Content content) {
    Unpacked linked(long id) {
      return new Unpacked(meta.withLinkId(id), content);
    }
  }

  private CopyPlan.@Nullable Content content(LayerEvent.Entry entry, OutputStream out)
      throws IOException {
    if (entry.meta().kind() != Kind.FILE) {
      return null;
    }
    long start = end;
    long size = entry.content().transferTo(out);
    end += size;
    Path from = file;
    return () -> new FilePart(from, start, size);
  }

  /** Where an entry goes: links on the way are followed inside the root, its own name is not. */
  private static String target(String destination, String path, CopyPlan plan) throws IOException {
    String parent = LayerPaths.join(destination, LayerPaths.parent(path));
    return LayerPaths.join(plan.resolve(parent).path(), LayerPaths.name(path));
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file);
    Files.deleteIfExists(file.getParent() == null ? file : file.getParent());
  }
}
