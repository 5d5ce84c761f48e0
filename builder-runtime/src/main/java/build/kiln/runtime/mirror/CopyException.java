package build.kiln.runtime.mirror;

import build.kiln.runtime.registry.RegistryException;
import java.io.IOException;

/**
 * An image was not copied. The message says what was tried, on what, and what to do; it never holds
 * a secret.
 */
public final class CopyException extends IOException {
  /** Why, for programs; stable, as they stand in a status. */
  public enum Reason {
    /** The image, or something that it points at, is not at the source. */
    NotFound,
    /** Credentials are wrong, or there are none and the registry wants some. */
    Unauthorized,
    /** The registry knows who asks and says no. */
    Denied,
    /** A registry is not reachable, overloaded or failing; the next run may do it. */
    RegistryUnavailable,
    /**
     * What a registry sent or refused breaks the protocol, or content does not match its digest.
     */
    InvalidContent,
    /** Not copied by this client or not taken by that registry, such as Docker's schema 1. */
    Unsupported,
    /** The destination takes no index of which some manifests are missing. */
    SparseIndexUnsupported,
    /** The image has none of the platforms that were asked for. */
    PlatformNotFound,
    /** No signature by any of the keys is on the image. */
    SignatureNotVerified
  }

  private final Reason reason;

  CopyException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  CopyException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** The same failure with its reason. An interrupt is passed on as it is. */
  static IOException of(IOException e) {
    return e instanceof RegistryException r
        ? new CopyException(reason(r), String.valueOf(r.getMessage()), r)
        : e;
  }

  private static Reason reason(RegistryException e) {
    return switch (e.code()) {
      case NOT_FOUND -> Reason.NotFound;
      case UNAUTHORIZED -> Reason.Unauthorized;
      case DENIED -> Reason.Denied;
      case UNAVAILABLE -> Reason.RegistryUnavailable;
      case INVALID -> Reason.InvalidContent;
      case UNSUPPORTED -> Reason.Unsupported;
    };
  }

  public Reason reason() {
    return reason;
  }

  /** Whether the next run may do it with nothing changed. */
  public boolean retryable() {
    return reason == Reason.RegistryUnavailable;
  }
}
