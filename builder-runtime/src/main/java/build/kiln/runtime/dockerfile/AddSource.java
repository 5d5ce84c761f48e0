package build.kiln.runtime.dockerfile;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** What an expanded source of ADD names. */
public enum AddSource {
  /** A path in the build context. */
  LOCAL,
  /** {@code http://} or {@code https://}. */
  URL,
  /**
   * A Git repository, see {@code git clone}: {@code git@}, {@code ssh://}, {@code .git} and so on.
   */
  GIT;

  private static final Pattern SCP_LIKE = Pattern.compile("[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:.*");
  private static final Pattern HTTP_GIT =
      Pattern.compile("(?i:https?)://[^/#?]+/[^#?]*\\.git(?:[#?].*)?");
  private static final List<String> GIT_SCHEMES = List.of("git://", "ssh://", "git+ssh://");

  public static AddSource of(String source) {
    String lower = source.toLowerCase(Locale.ROOT);
    if (GIT_SCHEMES.stream().anyMatch(lower::startsWith)
        || SCP_LIKE.matcher(source).matches()
        || HTTP_GIT.matcher(source).matches()) {
      return GIT;
    }
    return lower.startsWith("http://") || lower.startsWith("https://") ? URL : LOCAL;
  }
}
