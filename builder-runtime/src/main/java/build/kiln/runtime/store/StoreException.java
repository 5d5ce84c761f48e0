package build.kiln.runtime.store;

import java.io.IOException;

/**
 * The local store, or an archive going in or out, is not what it should be. The message says what
 * was tried, on what, and what to do. Full disks and the like stay plain IOExceptions.
 */
public final class StoreException extends IOException {
  private final Code code;

  /** What went wrong; stable, for callers that decide by it. */
  public enum Code {
    /** The store has no such blob. */
    NOT_FOUND,
    /** A blob's bytes are not those of its digest or descriptor. */
    CONTENT_MISMATCH,
    /** An archive is no image, or one that cannot be taken. */
    INVALID_ARCHIVE,
    /** The image cannot be written in the form that was asked for. */
    UNSUPPORTED,
    /** What should be written is there already. */
    EXISTS
  }

  public StoreException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public StoreException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
