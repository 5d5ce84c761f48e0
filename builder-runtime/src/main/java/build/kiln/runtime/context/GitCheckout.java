package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.posix.TreeRemover;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jgit.lib.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * A Git repository's files at one revision, as ADD takes them: with the submodules in their places,
 * and if wanted with a {@code .git} directory. Every file has the time of its commit.
 */
public final class GitCheckout implements AutoCloseable {
  private static final int DEEPEST = 20;

  private final GitAccess access;
  private final Path scratch;

  /** What was opened, the last first. */
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  private @Nullable FileTree tree;

  /**
   * What a revision stands for.
   *
   * @param ref its full name; null if a commit was asked for by itself
   * @param object the commit, or the tag that names it; 40 hexadecimal digits
   * @param commit 40 hexadecimal digits
   */
  public record Revision(@Nullable String ref, String object, String commit) {}

  /**
   * What of the repository is wanted.
   *
   * @param subPath a folder of it; empty for all
   * @param gitDirectory whether there is a {@code .git} directory; for a folder there never is
   */
  public record Wanted(String subPath, boolean gitDirectory, boolean submodules) {}

  private GitCheckout(GitAccess access, Path scratch) {
    this.access = access;
    this.scratch = scratch;
  }

  /**
   * What a revision stands for now; a commit is not looked for.
   *
   * @param revision a branch, a tag, a full ref or a commit; null for HEAD
   * @throws ContextException NOT_FOUND, UNAUTHORIZED, SECRET_INCOMPLETE, UNAVAILABLE, INVALID
   */
  public static Revision resolve(String url, @Nullable String revision, GitAccess access)
      throws IOException {
    GitAddress address = GitAddress.parse(url, GitWords.ADD);
    Optional<ObjectId> commit = GitRemote.commit(revision);
    if (commit.isPresent()) {
      return new Revision(null, commit.get().name(), commit.get().name());
    }
    try (var connection = GitConnection.of(address, access)) {
      GitRemote.Found found = GitRemote.find(connection, address, revision);
      return new Revision(found.ref(), found.object().name(), found.commit().name());
    }
  }

  /**
   * Fetches a revision, without history.
   *
   * @param scratch an existing folder that may be used until it is closed
   * @throws ContextException NOT_FOUND if there is no such folder or commit any more; UNAUTHORIZED,
   *     SECRET_INCOMPLETE, UNAVAILABLE, INVALID
   */
  public static GitCheckout fetch(
      String url, Revision revision, Wanted wanted, GitAccess access, Path scratch)
      throws IOException {
    var checkout = new GitCheckout(access, scratch);
    boolean good = false;
    try {
      checkout.tree = checkout.whole(url, revision, wanted);
      good = true;
      return checkout;
    } finally {
      if (!good) {
        checkout.close();
      }
    }
  }

  /** The files. */
  public FileTree tree() {
    if (tree == null) {
      throw new IllegalStateException("not fetched");
    }
    return tree;
  }

  private FileTree whole(String url, Revision revision, Wanted wanted) throws IOException {
    GitAddress address = GitAddress.parse(url, GitWords.ADD);
    GitContext top = fetched(address, revision);
    String path = clean(wanted.subPath());
    Map<String, FileTree> mounts = new HashMap<>();
    if (wanted.submodules()) {
      mounts.putAll(modules(top, url, address, path, 0));
    }
    if (wanted.gitDirectory() && path.isEmpty()) {
      mounts.put(".git", gitDirectory(top, url, revision));
    }
    var files = new ComposedTree(top.tree(), mounts, "");
    Optional<EntryMeta> root = files.lookup(path);
    if (root.isEmpty() || !root.get().isDirectory()) {
      throw new ContextException(
          Code.NOT_FOUND,
          "commit %s of %s has no folder \"%s\"; check the folder in the URL"
              .formatted(top.commit().abbreviate(12).name(), address, path));
    }
    return new ComposedTree(top.tree(), mounts, path);
  }

  private GitContext fetched(GitAddress address, Revision revision) throws IOException {
    ObjectId object = ObjectId.fromString(revision.object());
    ObjectId commit = ObjectId.fromString(revision.commit());
    GitContext context =
        revision.ref() == null
            ? GitContext.fetch(address, object, access, scratch)
            : GitContext.fetch(
                address, new GitRemote.Found(revision.ref(), object, commit), access, scratch);
    opened.push(context);
    return context;
  }

  /** The submodules that the wanted folder holds, or is in. */
  private Map<String, FileTree> modules(
      GitContext parent, String url, GitAddress address, String wanted, int depth)
      throws IOException {
    if (depth > DEEPEST) {
      throw new ContextException(
          Code.INVALID,
          "%s has submodules more than %d deep; add ?submodules=false to the URL"
              .formatted(address, DEEPEST));
    }
    String where = "commit %s of %s".formatted(parent.commit().abbreviate(12).name(), address);
    Map<String, FileTree> trees = new HashMap<>();
    for (GitModules.Module module :
        GitModules.of(parent.repository(), parent.commit(), url, where)) {
      boolean holds = isIn(module.path(), wanted);
      if (holds || isIn(wanted, module.path())) {
        GitAddress from = GitAddress.parse(module.url(), GitWords.ADD);
        GitContext context = GitContext.fetch(from, module.commit(), access, scratch);
        opened.push(context);
        String rest = holds ? "" : wanted.substring(module.path().length() + 1);
        trees.put(
            module.path(),
            new ComposedTree(
                context.tree(), modules(context, module.url(), from, rest, depth + 1), ""));
      }
    }
    return trees;
  }

  private static boolean isIn(String path, String folder) {
    return folder.isEmpty() || path.equals(folder) || path.startsWith(folder + "/");
  }

  private FileTree gitDirectory(GitContext top, String url, Revision revision) throws IOException {
    Path folder = Files.createTempDirectory(scratch, "gitdir-");
    opened.push(() -> remove(folder));
    GitDirectory directory =
        GitDirectory.make(
            top.repository(),
            top.commit(),
            url,
            revision.ref(),
            ObjectId.fromString(revision.object()),
            folder,
            top.epoch().orElse(0));
    opened.push(directory);
    return directory;
  }

  private static void remove(Path folder) throws IOException {
    try (var directory = DirectoryHandle.open(folder)) {
      TreeRemover.removeContents(directory);
    }
    Files.delete(folder);
  }

  /** A path in the repository, whatever dots are in it; never one outside. */
  private static String clean(String subPath) throws ContextException {
    var parts = new ArrayDeque<String>();
    for (String part : subPath.split("/")) {
      if (part.equals("..")) {
        if (parts.pollLast() == null) {
          throw new ContextException(
              Code.INVALID, "the folder \"%s\" is outside of the repository".formatted(subPath));
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.addLast(part);
      }
    }
    return String.join("/", parts);
  }

  @Override
  public void close() throws IOException {
    IOException failure = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        IOException next = e instanceof IOException io ? io : new IOException(e);
        if (failure == null) {
          failure = next;
        } else {
          failure.addSuppressed(next);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
