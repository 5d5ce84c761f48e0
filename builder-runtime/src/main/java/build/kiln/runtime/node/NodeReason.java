package build.kiln.runtime.node;

/** Why an image stays, or goes; the first that holds, in this order. Stable names. */
public enum NodeReason {
  /** The runtime says that it must stay. */
  PINNED,
  /** The runtime needs it for each pod. */
  SANDBOX,
  /** A container has it, running or exited, as its image or as a volume. */
  IN_USE,
  /** A pattern of the policy names it. */
  KEPT_BY_NAME,
  /** It was loaded and not pulled, or may have been: nobody may be able to pull it again. */
  NOT_PULLED,
  /** It, or a name of it, was first seen less than the grace period ago. */
  YOUNG,
  /** A run saw it in use not long enough ago. */
  RECENTLY_USED,
  /** It goes. */
  UNUSED;

  /** Whether an image stays for it. */
  public boolean keeps() {
    return this != UNUSED;
  }
}
