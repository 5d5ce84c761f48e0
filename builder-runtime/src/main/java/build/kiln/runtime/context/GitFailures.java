package build.kiln.runtime.context;

import build.kiln.runtime.context.ContextException.Code;
import java.io.EOFException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.util.Locale;
import java.util.Optional;
import org.apache.sshd.common.SshException;
import org.eclipse.jgit.errors.NoRemoteRepositoryException;
import org.eclipse.jgit.errors.PackProtocolException;
import org.eclipse.jgit.errors.RemoteRepositoryException;
import org.eclipse.jgit.errors.TransportException;

/** What went wrong with a Git server, from what JGit throws and the last HTTP status. */
final class GitFailures {
  /** SSH_DISCONNECT_HOST_KEY_NOT_VERIFIABLE and ..._NO_MORE_AUTH_METHODS_AVAILABLE (RFC 4253). */
  private static final int HOST_KEY_NOT_VERIFIABLE = 9;

  private static final int NO_MORE_AUTHENTICATION = 14;

  private final GitAddress address;
  private final boolean withSecret;

  GitFailures(GitAddress address, boolean withSecret) {
    this.address = address;
    this.withSecret = withSecret;
  }

  /**
   * @param what was tried, as in "read the refs"
   * @param status the last HTTP status; 0 if there is none
   */
  ContextException of(String what, int status, Exception e) {
    Optional<ContextException> own = cause(e, ContextException.class);
    if (own.isPresent()) {
      return own.get();
    }
    Verdict verdict = verdict(status, e);
    return new ContextException(
        verdict.code, "tried to %s of %s but %s".formatted(what, address, verdict.why), e);
  }

  private record Verdict(Code code, String why) {}

  private Verdict verdict(int status, Exception e) {
    return byStatus(status)
        .or(() -> bySsh(e))
        .or(() -> byServersWord(e))
        .or(() -> byNetwork(e))
        .orElseGet(
            () ->
                cause(e, PackProtocolException.class).isPresent() || status == 200
                    ? new Verdict(
                        Code.INVALID,
                        "it does not answer as a Git server does ("
                            + reason(e)
                            + "); check "
                            + address.words().url())
                    : new Verdict(Code.UNAVAILABLE, reason(e)));
  }

  private Optional<Verdict> byStatus(int status) {
    if (status == 401) {
      return Optional.of(
          withSecret
              ? new Verdict(
                  Code.UNAUTHORIZED,
                  "it refuses the username and password of the Secret (HTTP 401); check them")
              : new Verdict(
                  Code.UNAUTHORIZED,
                  "it wants credentials (HTTP 401): "
                      + address.words().giveCredentials()
                      + "; many servers say so too if the repository does not exist"));
    }
    if (status == 403) {
      return Optional.of(
          new Verdict(
              Code.UNAUTHORIZED,
              "it forbids it (HTTP 403); the account or token must be allowed to read the repository"));
    }
    if (status == 404 || status == 410) {
      return Optional.of(
          new Verdict(
              Code.NOT_FOUND,
              "there is no such repository (HTTP "
                  + status
                  + "); check "
                  + address.words().url()
                  + (withSecret
                      ? ""
                      : ", or, if it is private, " + address.words().giveCredentials())));
    }
    if (status == 429 || status >= 500) {
      return Optional.of(
          new Verdict(Code.UNAVAILABLE, "it fails at present (HTTP " + status + ")"));
    }
    if (status >= 300) {
      return Optional.of(
          new Verdict(
              Code.INVALID,
              "it answers HTTP "
                  + status
                  + "; give "
                  + address.words().url()
                  + " as the server itself shows it"));
    }
    return Optional.empty();
  }

  private static Optional<Verdict> bySsh(Exception e) {
    return cause(e, SshException.class)
        .flatMap(
            ssh ->
                switch (ssh.getDisconnectCode()) {
                  case HOST_KEY_NOT_VERIFIABLE ->
                      Optional.of(
                          new Verdict(
                              Code.UNAUTHORIZED,
                              "the host's key is not the one in known_hosts; check with whoever runs the host that its key is right, and add it"));
                  case NO_MORE_AUTHENTICATION ->
                      Optional.of(
                          new Verdict(
                              Code.UNAUTHORIZED,
                              "it refuses the key: it must be allowed to read the repository, and have no passphrase"));
                  default -> Optional.empty();
                });
  }

  private Optional<Verdict> byServersWord(Exception e) {
    if (cause(e, NoRemoteRepositoryException.class).isPresent()) {
      return Optional.of(
          new Verdict(
              Code.NOT_FOUND, "there is no such repository; check " + address.words().url()));
    }
    return cause(e, RemoteRepositoryException.class)
        .map(
            refusal -> {
              String word = String.valueOf(refusal.getMessage()).toLowerCase(Locale.ROOT);
              boolean missing =
                  word.contains("not our ref")
                      || word.contains("no such repository")
                      || word.contains("not valid")
                      || word.contains("not exported")
                      || word.contains("not found")
                      || word.contains("not exist")
                      || word.contains("unadvertised");
              return new Verdict(
                  missing ? Code.NOT_FOUND : Code.UNAVAILABLE, "it says: " + reason(refusal));
            });
  }

  private static Optional<Verdict> byNetwork(Exception e) {
    if (cause(e, CertificateException.class).isPresent()) {
      return Optional.of(
          new Verdict(
              Code.INVALID,
              "its certificate is not trusted ("
                  + reason(e)
                  + "); add its authority to the installation's CAs"));
    }
    if (cause(e, UnknownHostException.class).isPresent()) {
      return Optional.of(new Verdict(Code.UNAVAILABLE, "its host name is not known; check it"));
    }
    if (cause(e, InterruptedIOException.class).isPresent()) {
      return Optional.of(new Verdict(Code.UNAVAILABLE, "it does not answer in time"));
    }
    if (cause(e, SocketException.class).isPresent() || cause(e, EOFException.class).isPresent()) {
      return Optional.of(new Verdict(Code.UNAVAILABLE, "the connection fails: " + reason(e)));
    }
    return Optional.empty();
  }

  private static <T extends Throwable> Optional<T> cause(Throwable e, Class<T> type) {
    int depth = 0;
    for (Throwable at = e; at != null && depth < 20; at = at.getCause(), depth++) {
      if (type.isInstance(at)) {
        return Optional.of(type.cast(at));
      }
    }
    return Optional.empty();
  }

  /** The innermost message, without the URL that JGit puts before it. */
  private static String reason(Throwable e) {
    Throwable inner = e;
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      inner = cause;
    }
    String text = String.valueOf(inner.getMessage());
    if (inner instanceof TransportException) {
      text = text.replaceFirst("^[a-z]+://\\S+: ", "");
    }
    text = text.replaceAll("\\p{Cntrl}+", " ").strip();
    return text.length() > 200 ? text.substring(0, 200) + "..." : text;
  }
}
