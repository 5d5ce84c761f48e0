package build.kiln.api.v1alpha1;

/**
 * Why a run of an ImagePrunePolicy did not do all that it should: the reason of the {@code Ready}
 * condition. Where several hold, the first in this order is named. Stable names.
 */
public enum PruneFailureReason {
  /** The manifest asks for something that cannot be; said in the message. */
  SpecInvalid(false),
  /** A Secret, or a key in it, does not exist (yet). */
  SecretNotFound(false),
  /** Something that may refer to images cannot be listed, so nothing was deleted. */
  UseUnknown(true),
  /** The clock is behind what earlier runs saw, so nothing was deleted. */
  ClockBehind(false),
  /** The plan is larger than the limits allow: nothing was deleted, and it may be approved. */
  LimitsExceeded(false),
  /** The ledger is damaged, so nothing was deleted. */
  LedgerInvalid(false),
  /** Other runs write the ledger all the time. */
  LedgerBusy(true),
  /** A registry cannot be reached, or answers with a server error. */
  RegistryUnavailable(true),
  /** A repository could not be read, or has lost all its tags; nothing in it was deleted. */
  RepositoryUnreadable(true),
  /** The account may not delete. */
  DeleteDenied(false),
  /** The registry does not delete manifests. */
  DeleteUnsupported(false),
  /** The registry does not delete single tags. */
  TagDeleteUnsupported(false),
  /** Some deletions failed; the report says which and why. */
  DeletionsFailed(true),
  /** Some nodes could not be looked at, or some of their images not removed. */
  NodesFailed(false),
  /** It was done, and what the next run should know of it could not be kept. */
  StateNotKept(true),
  /** It was done, and the report did not get to where it should. */
  ReportNotDelivered(true),
  /** The run was ended, or broke, before it was done. */
  Infrastructure(true);

  private final boolean retryable;

  PruneFailureReason(boolean retryable) {
    this.retryable = retryable;
  }

  /** Whether the next run may do it with nothing changed. */
  public boolean retryable() {
    return retryable;
  }
}
