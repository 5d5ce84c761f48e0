package build.kiln.runtime.context;

import build.kiln.api.v1alpha1.ImageBuildSpec.GitSource;
import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerPaths;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.eclipse.jgit.errors.IncorrectObjectTypeException;
import org.eclipse.jgit.errors.MissingObjectException;
import org.eclipse.jgit.lib.NullProgressMonitor;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.lib.StoredConfig;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.Transport;
import org.jspecify.annotations.Nullable;

/**
 * A commit of a Git repository ({@code spec.source.git}). Only that commit is fetched, and its
 * files are read from Git's objects: nothing is checked out, so no filter, hook or attribute has a
 * say. Every file has the commit's time. Submodules are empty directories, and files kept by Git
 * LFS are their pointers.
 */
public final class GitContext implements BuildContext {
  private static final String SOURCE = "refs/kiln/source";
  private static final List<RefSpec> EVERYTHING =
      List.of(
          new RefSpec("+refs/heads/*:refs/kiln/heads/*"),
          new RefSpec("+refs/tags/*:refs/kiln/tags/*"));

  private final Repository repository;
  private final Path folder;
  private final RevCommit commit;
  private final GitTree tree;

  private GitContext(Repository repository, Path folder, RevCommit commit, GitTree tree) {
    this.repository = repository;
    this.folder = folder;
    this.commit = commit;
    this.tree = tree;
  }

  /**
   * Fetches a commit.
   *
   * @param pinnedCommit the commit that the source's revision was resolved to earlier, 40
   *     hexadecimal digits; null to resolve it now
   * @param scratch an existing folder that may be used until the context is closed
   * @throws ContextException NOT_FOUND if the repository, the revision or the source's folder does
   *     not exist; UNAUTHORIZED, SECRET_INCOMPLETE, UNAVAILABLE, INVALID
   */
  public static GitContext fetch(
      GitSource source, @Nullable String pinnedCommit, GitAccess access, Path scratch)
      throws IOException {
    GitIsolation.install();
    GitAddress address = GitAddress.parse(source.url());
    Optional<ObjectId> pinned = GitRemote.commit(pinnedCommit);
    if (pinnedCommit != null && pinned.isEmpty()) {
      throw new ContextException(
          Code.INVALID, "\"%s\" is no commit: want 40 hexadecimal digits".formatted(pinnedCommit));
    }
    Optional<ObjectId> wanted = pinned.or(() -> GitRemote.commit(source.revision()));
    return fetch(
        address,
        access,
        scratch,
        source.subPath(),
        (connection, repository) ->
            wanted.isPresent()
                ? fetchCommit(connection, repository, address, wanted.get())
                : fetchRef(connection, repository, address, source.revision()));
  }

  /** Brings an object into a repository, and says which. */
  @FunctionalInterface
  private interface Fetch {
    ObjectId into(GitConnection connection, Repository repository) throws IOException;
  }

  /** Fetches one commit of another repository, such as a submodule's. */
  static GitContext fetch(GitAddress address, ObjectId commit, GitAccess access, Path scratch)
      throws IOException {
    return fetch(
        address,
        access,
        scratch,
        null,
        (connection, repository) -> fetchCommit(connection, repository, address, commit));
  }

  /**
   * Fetches what was found before, by its ref; if the ref has gone on since then, what was found is
   * fetched for itself.
   */
  static GitContext fetch(GitAddress address, GitRemote.Found found, GitAccess access, Path scratch)
      throws IOException {
    return fetch(
        address,
        access,
        scratch,
        null,
        (connection, repository) -> {
          ObjectId now = fetchRef(connection, repository, address, found);
          return now.equals(found.object())
              ? now
              : fetchCommit(connection, repository, address, found.object());
        });
  }

  private static GitContext fetch(
      GitAddress address, GitAccess access, Path scratch, @Nullable String subPath, Fetch what)
      throws IOException {
    GitIsolation.install();
    Path folder = Files.createTempDirectory(scratch, "git-");
    Repository repository = null;
    boolean good = false;
    try (var connection = GitConnection.of(address, access)) {
      repository =
          new FileRepositoryBuilder()
              .setGitDir(folder.toFile())
              .setBare()
              .setMustExist(false)
              .build();
      repository.create(true);
      // JGit would tidy up in the background, in a folder that may be gone by then.
      StoredConfig config = repository.getConfig();
      config.setInt("gc", null, "auto", 0);
      config.setBoolean("gc", null, "autoDetach", false);
      config.save();
      ObjectId id = what.into(connection, repository);
      var context = open(repository, folder, address, id, subPath);
      good = true;
      return context;
    } finally {
      if (!good) {
        remove(repository, folder);
      }
    }
  }

  private static ObjectId fetchRef(
      GitConnection connection,
      Repository repository,
      GitAddress address,
      @Nullable String revision)
      throws IOException {
    return fetchRef(connection, repository, address, GitRemote.find(connection, address, revision));
  }

  private static ObjectId fetchRef(
      GitConnection connection, Repository repository, GitAddress address, GitRemote.Found found)
      throws IOException {
    fetch(connection, repository, List.of(new RefSpec("+" + found.ref() + ":" + SOURCE)), true);
    Ref ref = repository.exactRef(SOURCE);
    if (ref == null) {
      throw new ContextException(
          Code.NOT_FOUND,
          "%s had the ref %s just now, but it is gone".formatted(address, found.ref()));
    }
    return ref.getObjectId();
  }

  /** By its name alone where the server allows that, else with the history of all refs. */
  private static ObjectId fetchCommit(
      GitConnection connection, Repository repository, GitAddress address, ObjectId id)
      throws IOException {
    try {
      fetch(connection, repository, List.of(new RefSpec(id.name() + ":" + SOURCE)), true);
      return id;
    } catch (ContextException e) {
      if (e.code() != Code.NOT_FOUND && e.code() != Code.INVALID) {
        throw e;
      }
      fetch(connection, repository, EVERYTHING, false);
      if (!repository.getObjectDatabase().has(id)) {
        var missing =
            new ContextException(
                Code.NOT_FOUND,
                "%s has no commit %s on any branch or tag".formatted(address, id.name()));
        missing.addSuppressed(e);
        throw missing;
      }
      return id;
    }
  }

  private static void fetch(
      GitConnection connection, Repository repository, List<RefSpec> specs, boolean shallow)
      throws ContextException {
    connection.call(
        repository,
        shallow ? "fetch " + specs.getFirst().getSource().replace("+", "") : "fetch all refs",
        (Transport transport) -> {
          if (shallow) {
            transport.setDepth(1);
          }
          return transport.fetch(NullProgressMonitor.INSTANCE, specs);
        });
  }

  private static GitContext open(
      Repository repository, Path folder, GitAddress address, ObjectId id, @Nullable String subPath)
      throws IOException {
    RevCommit commit = parse(repository, address, id);
    String where = "commit %s of %s".formatted(commit.abbreviate(12).name(), address);
    var whole = new GitTree(repository, commit.getTree(), where, time(commit));
    String path = subPath == null ? "" : clean(subPath);
    Optional<EntryMeta> root = whole.lookup(path);
    if (root.isEmpty() || !root.get().isDirectory()) {
      throw new ContextException(
          Code.NOT_FOUND,
          "%s has no folder \"%s\"%s; check %s"
              .formatted(
                  where,
                  path,
                  root.isEmpty() ? "" : ": it is a " + word(root.get()),
                  address.words().subPath()));
    }
    return new GitContext(repository, folder, commit, whole.at(path));
  }

  private static String word(EntryMeta entry) {
    return entry.kind() == EntryMeta.Kind.SYMLINK ? "symbolic link" : "file";
  }

  private static String clean(String subPath) throws ContextException {
    try {
      return LayerPaths.normalise(subPath, "git.subPath");
    } catch (LayerException e) {
      throw new ContextException(Code.INVALID, String.valueOf(e.getMessage()), e);
    }
  }

  private static RevCommit parse(Repository repository, GitAddress address, ObjectId id)
      throws IOException {
    try (var walk = new RevWalk(repository)) {
      return walk.parseCommit(id);
    } catch (IncorrectObjectTypeException e) {
      throw new ContextException(
          Code.INVALID, "%s of %s is no commit, nor a tag of one".formatted(id.name(), address), e);
    } catch (MissingObjectException e) {
      throw new ContextException(
          Code.NOT_FOUND, "%s has no commit %s".formatted(address, id.name()), e);
    }
  }

  /**
   * The same files with this time, in seconds since the epoch, instead of the commit's. To be
   * closed in place of this one.
   */
  public GitContext dated(long time) {
    return new GitContext(repository, folder, commit, tree.dated(time));
  }

  Repository repository() {
    return repository;
  }

  RevCommit commit() {
    return commit;
  }

  @Override
  public FileTree tree() {
    return tree;
  }

  @Override
  public Optional<String> revision() {
    return Optional.of(commit.name());
  }

  @Override
  public OptionalLong epoch() {
    return OptionalLong.of(tree.epoch());
  }

  @Override
  public OptionalLong created() {
    return OptionalLong.of(time(commit));
  }

  private static long time(RevCommit commit) {
    return commit.getCommitterIdent().getWhenAsInstant().getEpochSecond();
  }

  @Override
  public void close() throws IOException {
    remove(repository, folder);
  }

  private static void remove(@Nullable Repository repository, Path folder) throws IOException {
    if (repository != null) {
      repository.close();
    }
    try (var directory = DirectoryHandle.open(folder)) {
      TreeRemover.removeContents(directory);
    }
    Files.delete(folder);
  }
}
