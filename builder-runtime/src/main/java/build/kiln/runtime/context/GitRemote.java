package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.eclipse.jgit.lib.Constants;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.transport.FetchConnection;
import org.jspecify.annotations.Nullable;

/** Asks a Git repository what its revisions stand for, without fetching anything. */
public final class GitRemote {
  private static final Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{40}");
  private static final Pattern SHORT_COMMIT = Pattern.compile("[0-9a-f]{7,39}");

  /**
   * A ref as the server shows it.
   *
   * @param object what it points to: a commit, or the tag that names one
   */
  record Found(String ref, ObjectId object, ObjectId commit) {}

  /**
   * The commit that a revision stands for now. A branch goes before a tag of the same name, as with
   * {@code git clone --branch}. Forty hexadecimal digits are a commit: they are given back without
   * asking whether the repository has it.
   *
   * @param revision a branch, a tag, a full ref ({@code refs/...}) or a commit; null for HEAD
   * @return 40 hexadecimal digits
   * @throws ContextException NOT_FOUND, UNAUTHORIZED, SECRET_INCOMPLETE, UNAVAILABLE, INVALID
   */
  public static String resolve(String url, @Nullable String revision, GitAccess access)
      throws IOException {
    Optional<ObjectId> commit = commit(revision);
    if (commit.isPresent()) {
      return commit.get().name();
    }
    GitAddress address = GitAddress.parse(url);
    try (var connection = GitConnection.of(address, access)) {
      return find(connection, address, revision).commit().name();
    }
  }

  /** The revision as a commit, if it is one. */
  static Optional<ObjectId> commit(@Nullable String revision) {
    return revision != null && COMMIT.matcher(revision).matches()
        ? Optional.of(ObjectId.fromString(revision.toLowerCase(Locale.ROOT)))
        : Optional.empty();
  }

  /** The ref that a revision other than a commit stands for. */
  static Found find(GitConnection connection, GitAddress address, @Nullable String revision)
      throws ContextException {
    List<String> candidates = candidates(revision);
    Map<String, Ref> refs =
        connection.call(
            null,
            "read the refs",
            transport -> {
              try (FetchConnection fetch =
                  transport.openFetch(List.of(), candidates.toArray(new String[0]))) {
                return fetch.getRefsMap();
              }
            });
    for (String candidate : candidates) {
      Ref ref = refs.get(candidate);
      if (ref != null && ref.getObjectId() != null) {
        ObjectId peeled = ref.getPeeledObjectId();
        return new Found(
            named(ref), ref.getObjectId(), peeled != null ? peeled : ref.getObjectId());
      }
    }
    throw new ContextException(Code.NOT_FOUND, missing(address, revision));
  }

  /** HEAD by the branch that it is, if the server says which. */
  private static String named(Ref ref) {
    return ref.isSymbolic() ? ref.getTarget().getName() : ref.getName();
  }

  private static List<String> candidates(@Nullable String revision) {
    if (revision == null || revision.equals(Constants.HEAD)) {
      return List.of(Constants.HEAD);
    }
    return revision.startsWith(Constants.R_REFS)
        ? List.of(revision)
        : List.of(
            Constants.R_HEADS + revision, Constants.R_TAGS + revision, Constants.R_REFS + revision);
  }

  private static String missing(GitAddress address, @Nullable String revision) {
    if (revision == null || revision.equals(Constants.HEAD)) {
      return "%s has no HEAD: it is empty, or its default branch does not exist; give %s"
          .formatted(address, address.words().revision());
    }
    String hint =
        SHORT_COMMIT.matcher(revision).matches() ? "; a commit needs all its 40 digits" : "";
    return "%s has no branch, tag or ref \"%s\"%s".formatted(address, revision, hint);
  }

  private GitRemote() {}
}
