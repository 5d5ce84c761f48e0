package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.eclipse.jgit.dircache.DirCache;
import org.eclipse.jgit.dircache.DirCacheBuilder;
import org.eclipse.jgit.dircache.DirCacheEntry;
import org.eclipse.jgit.dircache.InvalidPathException;
import org.eclipse.jgit.internal.storage.pack.PackWriter;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.NullProgressMonitor;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevObject;
import org.eclipse.jgit.revwalk.RevTag;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.storage.pack.PackConfig;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.util.FS;
import org.jspecify.annotations.Nullable;

/**
 * A {@code .git} directory as {@code git clone --depth=1} makes it: one commit, what it holds, and
 * the ref that it was found by. The same revision makes the same bytes: the objects are packed anew
 * without deltas, the index knows no times, and there are no logs and no samples of hooks.
 */
final class GitDirectory implements FileTree, AutoCloseable {
  private final DirectoryHandle folder;
  private final LocalTree files;
  private final long epoch;

  private GitDirectory(DirectoryHandle folder, long epoch) {
    this.folder = folder;
    this.files = new LocalTree(folder);
    this.epoch = epoch;
  }

  /**
   * Makes one.
   *
   * @param url of the remote {@code origin}
   * @param ref that points to the object; null if a commit was asked for by itself
   * @param object the commit, or a tag of it
   * @param folder an empty folder
   */
  static GitDirectory make(
      Repository source,
      RevCommit commit,
      String url,
      @Nullable String ref,
      ObjectId object,
      Path folder,
      long epoch)
      throws IOException {
    write(folder, "HEAD", commit.name() + "\n");
    write(folder, "shallow", commit.name() + "\n");
    write(
        folder,
        "config",
        """
        [core]
        \trepositoryformatversion = 0
        \tfilemode = true
        \tbare = false
        \tlogallrefupdates = true
        [remote "origin"]
        \turl = %s
        \tfetch = +refs/heads/*:refs/remotes/origin/*
        """
            .formatted(quoted(url)));
    Files.createDirectories(folder.resolve("refs/heads"));
    Files.createDirectories(folder.resolve("refs/tags"));
    if (ref != null && Repository.isValidRefName(ref) && ref.startsWith(Constants.R_REFS)) {
      write(folder, ref, object.name() + "\n");
    }
    pack(source, commit, object, Files.createDirectories(folder.resolve("objects/pack")));
    index(source, commit, folder.resolve("index"));
    return new GitDirectory(DirectoryHandle.open(folder), epoch);
  }

  private static void write(Path folder, String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent() == null ? folder : file.getParent());
    Files.writeString(file, text);
  }

  private static String quoted(String url) {
    return '"' + url.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static void pack(Repository source, RevCommit commit, ObjectId object, Path folder)
      throws IOException {
    var config = new PackConfig();
    config.setThreads(1);
    config.setDeltaCompress(false);
    config.setReuseDeltas(false);
    config.setReuseObjects(false);
    config.setBuildBitmaps(false);
    try (var walk = new RevWalk(source);
        var writer = new PackWriter(config, source.newObjectReader())) {
      writer.preparePack(objects(source, walk, commit, object).iterator());
      String name = "pack-" + commit.name();
      try (OutputStream out = Files.newOutputStream(folder.resolve(name + ".pack"))) {
        writer.writePack(NullProgressMonitor.INSTANCE, NullProgressMonitor.INSTANCE, out);
      }
      try (OutputStream out = Files.newOutputStream(folder.resolve(name + ".idx"))) {
        writer.writeIndex(out);
      }
    }
  }

  /** The tags, the commit, and all trees and files in it, each once. */
  private static List<RevObject> objects(
      Repository source, RevWalk walk, RevCommit commit, ObjectId object) throws IOException {
    var objects = new ArrayList<RevObject>();
    RevObject at = walk.parseAny(object);
    while (at instanceof RevTag tag) {
      objects.add(tag);
      at = walk.parseAny(tag.getObject());
    }
    objects.add(walk.parseCommit(commit));
    objects.add(walk.lookupTree(commit.getTree()));
    var seen = new HashSet<ObjectId>();
    try (var tree = new TreeWalk(source)) {
      tree.addTree(commit.getTree());
      while (tree.next()) {
        FileMode mode = tree.getFileMode(0);
        ObjectId id = tree.getObjectId(0);
        if (!mode.equals(FileMode.GITLINK) && seen.add(id)) {
          objects.add(walk.lookupAny(id, mode.getObjectType()));
        }
        if (tree.isSubtree()) {
          tree.enterSubtree();
        }
      }
    }
    return objects;
  }

  private static void index(Repository source, RevCommit commit, Path file) throws IOException {
    DirCache index = DirCache.lock(file.toFile(), FS.DETECTED);
    try (var tree = new TreeWalk(source)) {
      DirCacheBuilder builder = index.builder();
      tree.addTree(commit.getTree());
      tree.setRecursive(true);
      while (tree.next()) {
        var entry = new DirCacheEntry(tree.getRawPath());
        entry.setFileMode(tree.getFileMode(0));
        entry.setObjectId(tree.getObjectId(0));
        builder.add(entry);
      }
      builder.finish();
      index.write();
      if (!index.commit()) {
        throw new IOException("cannot write " + file);
      }
    } catch (InvalidPathException e) {
      throw new ContextException(
          Code.INVALID,
          "the commit %s has a name that a work tree cannot have: %s"
              .formatted(commit.name(), e.getMessage()),
          e);
    } finally {
      index.unlock();
    }
  }

  private EntryMeta fixed(EntryMeta entry) {
    if (entry.isDirectory()) {
      return EntryMeta.directory(entry.path(), 0755, 0, 0, epoch);
    }
    int mode = entry.path().startsWith("objects/") ? 0444 : 0644;
    return EntryMeta.file(entry.path(), mode, 0, 0, epoch, entry.size());
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    return files.lookup(path).map(this::fixed);
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    return files.children(path).stream().map(this::fixed).toList();
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    EntryMeta real =
        files.lookup(file.path()).orElseThrow(() -> new FileNotFoundException(file.path()));
    return files.open(real);
  }

  @Override
  public void close() {
    folder.close();
  }
}
