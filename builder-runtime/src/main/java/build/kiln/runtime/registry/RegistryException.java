package build.kiln.runtime.registry;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A registry did not do what it was asked. The message reads "tried to ... on ... but ...; do ..."
 * and never holds a secret: no header, no query of a URL.
 *
 * <p>How a missing image is told from refused credentials, since registries answer 401, 403 and 404
 * for either:
 *
 * <ul>
 *   <li>404, or any refusal whose body has one of the codes NAME_UNKNOWN, MANIFEST_UNKNOWN or
 *       BLOB_UNKNOWN: {@link Code#NOT_FOUND}.
 *   <li>The token server refuses the credentials (401), or the registry refuses basic credentials
 *       (401): {@link Code#UNAUTHORIZED}, they are wrong.
 *   <li>No credentials were found and access is refused: {@link Code#UNAUTHORIZED}; the message
 *       says that the image may also not exist (Docker Hub does not say which).
 *   <li>Good credentials, but a 403, or a 401 in spite of a token they were good for: {@link
 *       Code#DENIED}; for a pull the message says that the repository may also not exist.
 * </ul>
 */
public final class RegistryException extends IOException {
  /** What went wrong, for programs; stable. */
  public enum Code {
    /** The repository, manifest or blob is not there. */
    NOT_FOUND(false),
    /** Credentials are wrong, or there are none and the registry wants some. */
    UNAUTHORIZED(false),
    /** The registry knows who asks and says no. */
    DENIED(false),
    /** Not reachable, overloaded or failing now; the only code that a later try may cure. */
    UNAVAILABLE(true),
    /** What was sent or received breaks the protocol, or content does not match its digest. */
    INVALID(false),
    /** The registry or this client does not do that. */
    UNSUPPORTED(false);

    private final boolean retryable;

    Code(boolean retryable) {
      this.retryable = retryable;
    }
  }

  private final Code code;
  private final int status;
  private final @Nullable String registryError;
  private final transient @Nullable Duration retryAfter;

  RegistryException(Code code, String message) {
    this(code, message, null);
  }

  RegistryException(Code code, String message, @Nullable Throwable cause) {
    this(code, message, cause, 0, null, null);
  }

  RegistryException(
      Code code,
      String message,
      @Nullable Throwable cause,
      int status,
      @Nullable String registryError,
      @Nullable Duration retryAfter) {
    super(message, cause);
    this.code = code;
    this.status = status;
    this.registryError = registryError;
    this.retryAfter = retryAfter;
  }

  public Code code() {
    return code;
  }

  /** Whether the same call may succeed later with nothing changed here. */
  public boolean retryable() {
    return code.retryable;
  }

  /** The HTTP status that was the reason, or 0 if it was none. */
  public int status() {
    return status;
  }

  /** The error code in the registry's answer, such as MANIFEST_BLOB_UNKNOWN, if it had one. */
  public Optional<String> registryError() {
    return Optional.ofNullable(registryError);
  }

  /** How long the registry asked us to wait, if it did. */
  Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** The same failure with more said at the message's end. */
  RegistryException withNote(String note) {
    RegistryException noted =
        new RegistryException(code, getMessage() + note, this, status, registryError, retryAfter);
    return noted;
  }
}
