package build.kiln.runtime.dockerfile;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A Git repository as ADD names it: {@code url#revision:folder}, or with a query: {@code
 * url?branch=b&subdir=d}, whose keys are {@code ref}, {@code branch}, {@code tag}, {@code subdir},
 * {@code checksum} or {@code commit}, {@code keep-git-dir} and {@code submodules}.
 *
 * @param url without query and fragment
 * @param revision a branch, tag, full ref or commit; null for the default branch
 * @param folder whose content is meant; empty for all of the repository
 * @param checksum the first digits of the commit, or more; null if it may be any
 * @param keepGitDir null if the query does not say
 * @param submodules whether they are fetched too
 */
public record GitReference(
    String url,
    @Nullable String revision,
    String folder,
    @Nullable String checksum,
    @Nullable Boolean keepGitDir,
    boolean submodules) {
  private static final Set<String> KEYS =
      Set.of("ref", "branch", "tag", "subdir", "checksum", "commit", "keep-git-dir", "submodules");
  private static final Set<String> FLAGS = Set.of("keep-git-dir", "submodules");
  private static final Set<String> TRUE = Set.of("1", "t", "T", "TRUE", "true", "True");
  private static final Set<String> FALSE = Set.of("0", "f", "F", "FALSE", "false", "False");
  private static final Pattern CHECKSUM = Pattern.compile("[0-9a-fA-F]+");

  /**
   * Reads a repository that is no part of a Dockerfile, such as a build context.
   *
   * @param what names it in messages
   * @throws DockerfileException as of a source of ADD
   */
  public static GitReference of(String what, String text) {
    SourceFile line = SourceFile.of(what, text);
    return of(new Word(text, SourceRange.ofLine(line, 1)));
  }

  /**
   * Reads an expanded source of ADD.
   *
   * @throws DockerfileException if its query has an unknown key, or says two things at once
   */
  public static GitReference of(Word source) {
    String text = source.text();
    int hash = text.indexOf('#');
    String fragment = hash < 0 ? "" : text.substring(hash + 1);
    String rest = hash < 0 ? text : text.substring(0, hash);
    int mark = rest.indexOf('?');
    Map<String, String> query = query(source, mark < 0 ? "" : rest.substring(mark + 1));
    int colon = fragment.indexOf(':');
    @Nullable String revision = nonEmpty(colon < 0 ? fragment : fragment.substring(0, colon));
    @Nullable String folder = nonEmpty(colon < 0 ? "" : fragment.substring(colon + 1));
    if (query.containsKey("branch") && query.containsKey("tag")) {
      throw bad(source, "a branch and a tag are given", "remove one of them");
    }
    revision = merged(source, revision, query.get("ref"));
    revision = merged(source, revision, full("refs/tags/", query.get("tag")));
    revision = merged(source, revision, full("refs/heads/", query.get("branch")));
    folder = merged(source, folder, query.get("subdir"));
    return new GitReference(
        mark < 0 ? rest : rest.substring(0, mark),
        revision,
        folder == null ? "" : folder,
        merged(source, query.get("commit"), query.get("checksum")),
        flag(source, query, "keep-git-dir"),
        !Boolean.FALSE.equals(flag(source, query, "submodules")));
  }

  /** Whether a text can be the start of a commit's digits. */
  public static boolean isChecksum(String text) {
    return CHECKSUM.matcher(text).matches();
  }

  private static Map<String, String> query(Word source, String text) {
    var query = new HashMap<String, String>();
    for (String pair : text.split("&")) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String key = decoded(source, equals < 0 ? pair : pair.substring(0, equals));
      String value = decoded(source, equals < 0 ? "" : pair.substring(equals + 1));
      if (!KEYS.contains(key)) {
        throw bad(
            source,
            "the query has the unknown key \"" + key + "\"",
            Suggestions.nearest(key, KEYS)
                .map(near -> "did you mean " + near + "?")
                .orElse("known are " + String.join(", ", KEYS.stream().sorted().toList())));
      }
      if (value.isEmpty() && !FLAGS.contains(key)) {
        throw bad(source, "the query has no value for \"" + key + "\"", key + "=VALUE");
      }
      if (query.put(key, value) != null) {
        throw bad(source, "the query has \"" + key + "\" twice", "remove one of them");
      }
    }
    return query;
  }

  private static String decoded(Word source, String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw bad(source, "the query is not well encoded: " + text, null);
    }
  }

  private static @Nullable String nonEmpty(String text) {
    return text.isEmpty() ? null : text;
  }

  private static @Nullable String full(String prefix, @Nullable String name) {
    return name == null || name.startsWith(prefix) ? name : prefix + name;
  }

  private static @Nullable String merged(
      Word source, @Nullable String one, @Nullable String other) {
    if (one != null && other != null && !one.equals(other)) {
      throw bad(
          source, "it says both \"%s\" and \"%s\"".formatted(one, other), "remove one of them");
    }
    return one == null ? other : one;
  }

  private static @Nullable Boolean flag(Word source, Map<String, String> query, String key) {
    String value = query.get(key);
    if (value == null) {
      return null;
    }
    if (value.isEmpty() || TRUE.contains(value)) {
      return true;
    }
    if (FALSE.contains(value)) {
      return false;
    }
    throw bad(source, "%s is true or false, not \"%s\"".formatted(key, value), null);
  }

  private static DockerfileException bad(Word source, String message, @Nullable String hint) {
    return new DockerfileException(Problem.Code.BAD_ARGUMENT, source.range(), message, hint);
  }
}
