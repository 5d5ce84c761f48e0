package build.kiln.runtime.cluster;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The Kubernetes API refused or failed; says what was tried and what it answered. */
public final class ClusterException extends IOException {
  private final int status;

  /** What the API does not have. */
  public ClusterException(String message) {
    this(message, 404, null);
  }

  ClusterException(String message, int status, @Nullable Throwable cause) {
    super(message, cause);
    this.status = status;
  }

  /** The HTTP status; 0 if there was no answer. */
  public int status() {
    return status;
  }

  /** Whether another try may help: no answer, too many requests, or a server's failure. */
  public boolean retryable() {
    return status == 0 || status == 408 || status == 429 || status >= 500;
  }
}
