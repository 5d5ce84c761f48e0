package build.kiln.runtime.registry;

import build.kiln.runtime.http.NotTaken;
import build.kiln.runtime.http.ProxyRefused;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.RegistryException.Code;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Makes exceptions of what went wrong; see {@link RegistryException} for the rules. */
final class Failures {
  private static final String TRY_LATER = "try again later";
  private static final String PROXY_LOGIN =
      "check the user name and password of the proxy, which must take Basic authentication";
  private static final int BODY_LIMIT = 64 * 1024;
  private static final Set<String> UNKNOWN =
      Set.of("NAME_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND");

  /** What a request was proven with when it was refused. */
  enum Proof {
    /** Nothing, and nothing was asked for. */
    NONE,
    /** Nothing or an anonymous token, where the registry asks for credentials. */
    ANONYMOUS,
    /** Credentials that the registry itself judges. */
    CREDENTIALS,
    /** A token that a token server gave for good credentials. */
    TOKEN
  }

  private record Answer(@Nullable String error, String detail, boolean fromRegistry) {}

  /** For an answer with a status that was not hoped for; reads its body. */
  static RegistryException of(
      String doing, String place, HttpReply reply, Proof proof, Redaction shown, Clock clock) {
    Answer answer = read(reply, shown);
    int status = reply.status();
    Code code = classify(status, answer.error, proof);
    String reason =
        switch (code) {
          case UNAUTHORIZED ->
              proof == Proof.CREDENTIALS
                  ? "the credentials were refused"
                  : "access was refused without credentials, or it does not exist";
          case DENIED ->
              "access was refused to this account"
                  + (status == 401 ? ", or it does not exist" : "");
          case NOT_FOUND ->
              answer.fromRegistry ? "it is not there" : "it is not there (is this a registry?)";
          case UNAVAILABLE, INVALID, UNSUPPORTED -> "it failed";
        };
    String message =
        "tried to "
            + doing
            + " on "
            + place
            + " but "
            + reason
            + " (status "
            + status
            + answer.detail
            + (status == 429 ? RateLimit.note(reply) : "")
            + "); "
            + advice(code, proof, status);
    return new RegistryException(
        code, message, null, status, answer.error, retryAfter(reply, clock).orElse(null));
  }

  /** For an exchange that broke; an interrupt of this thread is passed on as such. */
  static IOException of(String doing, String place, IOException e) {
    if (e instanceof RegistryException) {
      return e;
    }
    if (Thread.currentThread().isInterrupted()) {
      return interrupted(doing, e);
    }
    String start = "tried to " + doing + " on " + place + " but ";
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof HttpTransport.SourceFailure source) {
        return sourceFailure(start, source);
      }
      if (t instanceof ProxyRefused proxy) {
        return proxyRefused(start, proxy);
      }
      if (t instanceof Reach.Refused) {
        return new RegistryException(
            Code.INVALID,
            start
                + "was sent where it must not go: "
                + t.getMessage()
                + "; the registry's external address is wrong, or it is hostile",
            e);
      }
      if (t instanceof GeneralSecurityException) {
        return new RegistryException(
            Code.INVALID,
            start
                + "its certificate is not trusted ("
                + printable(t.getMessage(), 200)
                + "); add its authority to the CA directory, or the host to the insecure registries",
            e);
      }
    }
    return new RegistryException(
        Code.UNAVAILABLE,
        start + brokenBecause(e) + "; check the address and the network, or try again later",
        e);
  }

  /** Without the status, which is not of the registry. */
  private static RegistryException proxyRefused(String start, ProxyRefused proxy) {
    Code code =
        switch (proxy.status()) {
          case 407 -> Code.UNAUTHORIZED;
          case 403 -> Code.DENIED;
          case 408, 429 -> Code.UNAVAILABLE;
          default -> proxy.status() >= 500 ? Code.UNAVAILABLE : Code.INVALID;
        };
    String advice =
        switch (code) {
          case UNAUTHORIZED -> PROXY_LOGIN;
          case DENIED -> "have the proxy allow it, or name the host in NO_PROXY";
          case UNAVAILABLE -> TRY_LATER;
          default -> "check the proxy's address";
        };
    return new RegistryException(code, start + proxy.getMessage() + "; " + advice, proxy);
  }

  static InterruptedIOException interrupted(String doing, @Nullable Throwable cause) {
    InterruptedIOException stop =
        new InterruptedIOException("interrupted while trying to " + doing);
    if (cause != null) {
      stop.initCause(cause);
    }
    return stop;
  }

  private static IOException sourceFailure(String start, HttpTransport.SourceFailure source) {
    if (source.getCause() instanceof RegistryException fromOtherRegistry) {
      return fromOtherRegistry;
    }
    return new RegistryException(
        Code.INVALID,
        start
            + "the content to send cannot be read: "
            + source.getMessage()
            + "; the local copy is broken",
        source);
  }

  private static String brokenBecause(IOException e) {
    String text = printable(e.getMessage(), 200);
    return switch (e) {
      case UnknownHostException u -> "the host is not known";
      case SocketTimeoutException t -> "it did not answer in time";
      case NotTaken n -> text;
      case ConnectException c -> "the connection failed (" + text + ")";
      case SSLException s -> "TLS failed (" + text + ")";
      default -> "the connection broke (" + text + ")";
    };
  }

  private static Code classify(int status, @Nullable String error, Proof proof) {
    if (error != null && status >= 400 && status < 500) {
      if (error.equals("MANIFEST_BLOB_UNKNOWN")) {
        return Code.INVALID;
      }
      if (UNKNOWN.contains(error)) {
        return Code.NOT_FOUND;
      }
      if (error.equals("TOOMANYREQUESTS")) {
        return Code.UNAVAILABLE;
      }
    }
    return switch (status) {
      case 401 -> {
        boolean known = proof == Proof.TOKEN;
        yield known ? Code.DENIED : Code.UNAUTHORIZED;
      }
      case 403 -> proof == Proof.ANONYMOUS ? Code.UNAUTHORIZED : Code.DENIED;
      case 404 -> Code.NOT_FOUND;
      case 405, 501 -> Code.UNSUPPORTED;
      case 407 -> Code.UNAUTHORIZED;
      case 408, 429 -> Code.UNAVAILABLE;
      default -> status >= 500 ? Code.UNAVAILABLE : Code.INVALID;
    };
  }

  private static String advice(Code code, Proof proof, int status) {
    if (status == 407) {
      return PROXY_LOGIN;
    }
    return switch (code) {
      case NOT_FOUND -> "check the registry, the repository and the tag or digest";
      case UNAUTHORIZED ->
          proof == Proof.CREDENTIALS
              ? "check the user name and password, or log in again"
              : "check the name, and give credentials (docker login, or a registry secret)";
      case DENIED -> "check the name, and have the account allowed to do this";
      case UNAVAILABLE -> status == 429 ? "slow down or log in, and try again later" : TRY_LATER;
      case INVALID -> "see the registry's log for why";
      case UNSUPPORTED -> "the registry does not do this, or not with its settings";
    };
  }

  private static Answer read(HttpReply reply, Redaction shown) {
    try {
      byte[] body = reply.bytes(BODY_LIMIT);
      JsonNode errors = Json.tree(body).path("errors");
      JsonNode first = errors.path(0);
      String error = first.path("code").asText("");
      // The secret is taken out before the text is cut, which could leave a part of it.
      String message = printable(shown.apply(first.path("message").asText("")), 300);
      String detail =
          (error.isEmpty() ? "" : ", " + printable(error, 60))
              + (message.isEmpty() ? "" : ": " + message);
      return new Answer(error.isEmpty() ? null : error, shown.apply(detail), !error.isEmpty());
    } catch (IOException e) {
      boolean silent = reply.contentLength().orElse(0) == 0;
      return new Answer(null, "", silent);
    }
  }

  /** Both forms: seconds, and an HTTP date; else what the headers of a limit say. */
  static Optional<Duration> retryAfter(HttpReply reply, Clock clock) {
    Optional<Duration> asked =
        reply.header("Retry-After").flatMap(text -> parseRetryAfter(text, clock));
    return asked.isPresent() || reply.status() != 429 ? asked : RateLimit.reset(reply);
  }

  static Optional<Duration> parseRetryAfter(String text, Clock clock) {
    if (text.matches("[0-9]{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
    }
    try {
      ZonedDateTime until = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
      Duration wait = Duration.between(clock.instant(), until.toInstant());
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  /** A stranger's text made fit for a message: one line, no control characters, cut. */
  static String printable(@Nullable String text, int limit) {
    if (text == null) {
      return "no reason given";
    }
    String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
    return line.length() <= limit ? line : line.substring(0, limit) + "...";
  }

  private Failures() {}
}
