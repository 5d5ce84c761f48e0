package build.kiln.runtime.layer;

import java.io.IOException;

/**
 * A layer or an archive could not be read or written. Permanent: the same input fails again. The
 * message names the stream, where in it, and the entry.
 */
public final class LayerException extends IOException {
  private final Code code;

  /** What went wrong; stable, for callers that decide by it. */
  public enum Code {
    /** The stream ends inside an entry or inside compressed data. */
    TRUNCATED,
    /** The bytes are not what the format allows. */
    MALFORMED,
    /** A header's checksum does not fit it; mostly not a tar at all. */
    BAD_CHECKSUM,
    /** A name that would leave the root, or that cannot be one. */
    UNSAFE_PATH,
    /** A part of the format that is known but not supported. */
    UNSUPPORTED,
    /** Larger than any honest input; refused before memory or disk is spent on it. */
    LIMIT_EXCEEDED,
    /** What should be written has no form in a layer: a name that layers reserve, for example. */
    UNREPRESENTABLE,
    /** A file had more or fewer bytes than its size said: it changed while it was read. */
    CONTENT_SIZE,
    /** The bytes are not those that a digest named. */
    DIGEST_MISMATCH,
    /** A path leads through more symbolic links than Linux follows. */
    LINK_LOOP
  }

  public LayerException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public LayerException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
