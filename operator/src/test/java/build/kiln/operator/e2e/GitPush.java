package build.kiln.operator.e2e;

import java.io.IOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Map;
import java.util.TreeMap;
import org.eclipse.jgit.dircache.DirCache;
import org.eclipse.jgit.dircache.DirCacheEntry;
import org.eclipse.jgit.internal.storage.dfs.DfsRepositoryDescription;
import org.eclipse.jgit.internal.storage.dfs.InMemoryRepository;
import org.eclipse.jgit.lib.CommitBuilder;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.NullProgressMonitor;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.PersonIdent;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.RemoteRefUpdate;
import org.eclipse.jgit.transport.Transport;
import org.eclipse.jgit.transport.URIish;
import org.jspecify.annotations.Nullable;

/** Commits made in memory and pushed to a Git server, one on top of the other. */
final class GitPush {
  private final InMemoryRepository repository =
      new InMemoryRepository(new DfsRepositoryDescription("push"));
  private final String uri;
  private final @Nullable CredentialsProvider credentials;
  private @Nullable ObjectId head;
  private long seconds = 1_700_000_000L;

  GitPush(String uri) {
    this(uri, null);
  }

  GitPush(String uri, @Nullable CredentialsProvider credentials) {
    this.uri = uri;
    this.credentials = credentials;
  }

  /** Commits exactly these files, by path; a path that ends in .sh is executable. */
  GitPush commit(Map<String, String> files) throws IOException {
    try (var inserter = repository.newObjectInserter()) {
      var index = DirCache.newInCore();
      var builder = index.builder();
      for (var file : new TreeMap<>(files).entrySet()) {
        var entry = new DirCacheEntry(file.getKey());
        entry.setFileMode(
            file.getKey().endsWith(".sh") ? FileMode.EXECUTABLE_FILE : FileMode.REGULAR_FILE);
        entry.setObjectId(inserter.insert(Constants.OBJ_BLOB, Constants.encode(file.getValue())));
        builder.add(entry);
      }
      builder.finish();
      var commit = new CommitBuilder();
      commit.setTreeId(index.writeTree(inserter));
      if (head != null) {
        commit.setParentId(head);
      }
      var person =
          new PersonIdent(
              "Test", "test@example.com", Instant.ofEpochSecond(seconds++), ZoneOffset.UTC);
      commit.setAuthor(person);
      commit.setCommitter(person);
      commit.setMessage("change");
      head = inserter.insert(commit);
      inserter.flush();
    }
    return this;
  }

  /** Sets a branch, and tags, to the newest commit, whose name it returns. */
  String push(String branch, String... tags) throws Exception {
    if (head == null) {
      throw new IllegalStateException("nothing was committed");
    }
    var updates = new ArrayList<RemoteRefUpdate>();
    updates.add(update("refs/heads/" + branch));
    for (var tag : tags) {
      updates.add(update("refs/tags/" + tag));
    }
    try (var transport = Transport.open(repository, new URIish(uri))) {
      transport.setCredentialsProvider(credentials);
      transport.push(NullProgressMonitor.INSTANCE, updates);
    }
    for (var update : updates) {
      if (update.getStatus() != RemoteRefUpdate.Status.OK) {
        throw new AssertionError(update.toString());
      }
    }
    return head.name();
  }

  private RemoteRefUpdate update(String ref) throws IOException {
    return new RemoteRefUpdate(repository, ref, head, ref, true, null, null);
  }
}
