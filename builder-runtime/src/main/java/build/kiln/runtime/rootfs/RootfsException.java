package build.kiln.runtime.rootfs;

import java.io.IOException;

/**
 * A root file system could not be made or read. The message says what was tried, where, and what to
 * do. A layer that is not valid is a {@link build.kiln.runtime.layer.LayerException} instead.
 */
public final class RootfsException extends IOException {
  private final Code code;

  /** What went wrong; stable, for callers that decide by it. */
  public enum Code {
    /** The file system has no space or no inodes left, or a quota is used up. */
    DISK_FULL,
    /** The kernel forbids what an entry needs: an owner that is not mapped, for example. */
    NOT_PERMITTED,
    /** Something on disk is not what was put there: somebody else changes the directory. */
    UNSAFE,
    /** The file system lacks what is needed, such as extended attributes, or is read-only. */
    UNSUPPORTED_FILE_SYSTEM,
    /** An overlay was mounted with options under which its upper directory is no difference. */
    UNSUPPORTED_MOUNT,
    /** There are more layers than an overlay takes. */
    TOO_MANY_LAYERS,
    /** The directory for the snapshots is not empty. */
    NOT_EMPTY
  }

  public RootfsException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public RootfsException(Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
