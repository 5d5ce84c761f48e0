package build.kiln.runtime.mirror;

import build.kiln.runtime.oci.Descriptor;

/**
 * What a copy came to.
 *
 * @param image what the destination has now; with {@link Outcome#KEPT}, what it had before
 * @param copiedBytes of blobs, sent to the destination
 * @param mountedBytes of blobs, taken by it from other repositories of its own
 */
public record CopyResult(Outcome outcome, Descriptor image, long copiedBytes, long mountedBytes) {
  /** The ways it may end well. */
  public enum Outcome {
    /** Something was brought to the destination. */
    COPIED,
    /** All of it was there. */
    UP_TO_DATE,
    /** The destination has another image by that name, which is not to be overwritten. */
    KEPT
  }
}
