package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.eclipse.jgit.transport.URIish;

/**
 * Where a Git repository is.
 *
 * @param label what it is called in messages: without a query, which may hold a token
 * @param words what its parts are called in messages
 */
record GitAddress(Kind kind, URIish uri, String label, GitWords words) {
  private static final String WANTED =
      "want an https://, http://, ssh:// or git:// URL, or user@host:path";

  /** ssh's short form, as the API allows it; JGit reads much more as one. */
  private static final Pattern SHORT = Pattern.compile("[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:\\S+");

  /** How it is spoken to. */
  enum Kind {
    HTTP,
    SSH,
    GIT
  }

  /**
   * Reads a URL, or ssh's {@code user@host:path}. Without a user, ssh's is {@code git}.
   *
   * @throws ContextException INVALID for other kinds, or if it holds a password
   */
  static GitAddress parse(String url) throws ContextException {
    return parse(url, GitWords.SOURCE);
  }

  /** The same, for messages in other words. */
  static GitAddress parse(String url, GitWords words) throws ContextException {
    String label = url.replaceFirst("[?#].*", "").replaceFirst("//[^/@]*@", "//");
    URIish uri;
    try {
      uri = new URIish(url);
    } catch (URISyntaxException e) {
      // Not as the cause: it quotes the URL, which may hold a password.
      throw invalid(words, label, WANTED);
    }
    boolean scpLike = uri.getScheme() == null;
    if (uri.getHost() == null
        || uri.getHost().isEmpty()
        || (scpLike && !SHORT.matcher(url).matches())) {
      throw invalid(words, label, WANTED);
    }
    String scheme = scpLike ? "ssh" : uri.getScheme().toLowerCase(Locale.ROOT);
    Kind kind =
        switch (scheme) {
          case "http", "https" -> Kind.HTTP;
          case "ssh" -> Kind.SSH;
          case "git" -> Kind.GIT;
          default -> throw invalid(words, label, WANTED);
        };
    if (uri.getPass() != null || (kind == Kind.HTTP && uri.getUser() != null)) {
      throw invalid(words, label, "it must not hold credentials: " + words.noCredentials());
    }
    boolean anonymousSsh = kind == Kind.SSH && uri.getUser() == null;
    return new GitAddress(kind, anonymousSsh ? uri.setUser("git") : uri, label, words);
  }

  private static ContextException invalid(GitWords words, String label, String why) {
    return new ContextException(Code.INVALID, "%s %s: %s".formatted(words.url(), label, why));
  }

  /** Whether a request to that place may carry this address's credentials. */
  boolean isSameOrigin(String scheme, String host, int port) {
    return scheme.equalsIgnoreCase(uri.getScheme())
        && host.equalsIgnoreCase(uri.getHost())
        && effectivePort(scheme, port) == effectivePort(scheme, uri.getPort());
  }

  private static int effectivePort(String scheme, int port) {
    return port > 0 ? port : scheme.equalsIgnoreCase("https") ? 443 : 80;
  }

  @Override
  public String toString() {
    return label;
  }
}
