package build.kiln.runtime.registry;

/**
 * How a blob came to be in a repository.
 *
 * @param bytesMoved how many bytes of it were sent to the registry, in the try that succeeded
 */
public record PushResult(How how, long bytesMoved) {
  /** The ways, cheapest first. */
  public enum How {
    /** It was there. */
    EXISTED,
    /** The registry took it from another repository of its own. */
    MOUNTED,
    /** It was sent. */
    UPLOADED
  }
}
