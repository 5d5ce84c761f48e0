package build.kiln.api.v1alpha1;

/**
 * Why a run failed: the reason of the {@code Ready} condition and of {@code status.runs[].failure}.
 * Stable names; whether a new attempt can help is part of the meaning.
 */
public enum FailureReason {
  /** The Dockerfile does not parse, or asks for what is not supported. */
  DockerfileInvalid(false),
  /**
   * The manifest asks for something that contradicts itself or the installation; said in the
   * message.
   */
  SpecInvalid(false),
  /** A step failed, usually a RUN that exited with other than 0. */
  StepFailed(false),
  /** The base image does not exist, or not for this platform. */
  BaseImageNotFound(false),
  /** The registry knows us and refuses the push. */
  PushDenied(false),
  /** The registry refuses the credentials, or wants some and has none. */
  Unauthorized(false),
  /** An installation rule forbids this registry for bases or outputs. */
  RegistryNotAllowed(false),
  /** The registry cannot be reached or answers with a server error. */
  RegistryUnavailable(true),
  /**
   * The registry is not trusted, what is configured for it is broken, or its answers break the
   * protocol or do not match their digests.
   */
  RegistryInvalid(false),
  /** The Git repository, revision or ConfigMap does not exist (yet), or a path in it. */
  SourceNotFound(false),
  /** The source cannot be reached at present. */
  SourceUnavailable(true),
  /** A Secret, or a key in it, does not exist (yet). */
  SecretNotFound(false),
  /** The asked isolation cannot be had here. */
  IsolationUnavailable(false),
  /** The builder was killed for memory. */
  OutOfMemory(false),
  /** The workspace is full. */
  DiskFull(false),
  /** The run took longer than {@code spec.timeout}. */
  DeadlineExceeded(false),
  /** A quota of the namespace forbids the pod. */
  QuotaExceeded(false),
  /** Admission refused the pod. */
  PodRefused(false),
  /** No node takes the pod. */
  Unschedulable(false),
  /** The builder's own image cannot be pulled. */
  BuilderImageUnavailable(false),
  /** The spec changed while it ran, and a newer run took its place. */
  Superseded(false),
  /** The pod was evicted, its node lost, or the builder broke. */
  Infrastructure(true);

  private final boolean retryable;

  FailureReason(boolean retryable) {
    this.retryable = retryable;
  }

  /** Whether the same inputs may succeed on another attempt. */
  public boolean retryable() {
    return retryable;
  }
}
