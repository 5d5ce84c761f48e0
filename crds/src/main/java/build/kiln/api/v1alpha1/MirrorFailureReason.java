package build.kiln.api.v1alpha1;

/**
 * Why an image was not mirrored, or a run of an ImageMirror did not do what it should: the reason
 * in {@code status.images[]}, and of the {@code Ready} condition. Stable names.
 */
public enum MirrorFailureReason {
  /** The image, or something that it points at, is not at the source. */
  NotFound(false),
  /** A registry refuses the credentials, or wants some and has none. */
  Unauthorized(false),
  /** A registry knows who asks and says no. */
  Denied(false),
  /** A registry cannot be reached, or answers with a server error. */
  RegistryUnavailable(true),
  /** What a registry sent or refused breaks the protocol, or content does not match its digest. */
  InvalidContent(false),
  /** It is not copied by this client or not done by that registry, such as Docker's schema 1. */
  Unsupported(false),
  /** The destination takes no index of which some manifests are missing. */
  SparseIndexUnsupported(false),
  /** The image has none of the platforms that were asked for. */
  PlatformNotFound(false),
  /** No signature by the keys is on the image. */
  SignatureNotVerified(false),
  /** More tags are gone from the source than may be deleted at once; none was deleted. */
  TooManyDeletions(false),
  /** Some images were not mirrored; status.images says which and why. */
  ImagesFailed(false),
  /** The manifest asks for something that contradicts itself; said in the message. */
  SpecInvalid(false),
  /** A Secret, or a key in it, does not exist (yet). */
  SecretNotFound(false),
  /** An installation rule forbids to push there. */
  RegistryNotAllowed(false),
  /** The run was ended, or broke, before it was done. */
  Infrastructure(true);

  private final boolean retryable;

  MirrorFailureReason(boolean retryable) {
    this.retryable = retryable;
  }

  /** Whether the next run may do it with nothing changed. */
  public boolean retryable() {
    return retryable;
  }
}
