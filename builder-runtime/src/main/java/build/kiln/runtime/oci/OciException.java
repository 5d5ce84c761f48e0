package build.kiln.runtime.oci;

/**
 * What was read is not what the image specification or the reference grammar allows. Permanent: a
 * retry does not help.
 */
public final class OciException extends RuntimeException {
  public OciException(String message) {
    super(message);
  }

  public OciException(String message, Throwable cause) {
    super(message, cause);
  }
}
