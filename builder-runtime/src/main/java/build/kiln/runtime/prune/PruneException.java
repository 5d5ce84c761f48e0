package build.kiln.runtime.prune;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Pruning cannot go on; nothing was deleted because of what is wrong here. */
public final class PruneException extends IOException {
  /** What is wrong, for programs; stable. */
  public enum Code {
    /** A policy has a value that cannot be used; the message names the field. */
    POLICY_INVALID,
    /** A file of references, a plan or a report is not one. */
    INPUT_INVALID,
    /** The ledger cannot be read: it was damaged, or is of a newer release. */
    LEDGER_INVALID,
    /** Others write the ledger all the time; a later try may succeed. */
    LEDGER_BUSY,
    /** What a registry says contradicts itself or what was known. */
    REGISTRY_INCONSISTENT
  }

  private final Code code;

  public PruneException(Code code, String message) {
    this(code, message, null);
  }

  public PruneException(Code code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
