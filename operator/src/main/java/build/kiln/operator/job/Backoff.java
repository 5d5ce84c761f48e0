package build.kiln.operator.job;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.operator.settings.Settings;
import java.time.Duration;
import java.util.Optional;

/**
 * How long to wait before a failed run is followed by another that nobody asked for.
 *
 * @param initial after the first failure; doubled with each further one
 * @param max the longest
 */
public record Backoff(Duration initial, Duration max) {

  /** For a reason by Kubernetes or by a build; empty if it stays until someone mends it. */
  public static Optional<Backoff> of(FailureReason reason, Settings.Retry retry) {
    return switch (reason) {
      case RegistryUnavailable, SourceUnavailable, Infrastructure -> Optional.of(ofTrouble(retry));
      // What was not there, or had no room, may be there later without a change of the spec.
      case SourceNotFound,
          SecretNotFound,
          QuotaExceeded,
          PodRefused,
          Unschedulable,
          BuilderImageUnavailable ->
          Optional.of(
              new Backoff(
                  Durations.parse(retry.missingInitial()), Durations.parse(retry.missingMax())));
      case DockerfileInvalid,
          SpecInvalid,
          StepFailed,
          BaseImageNotFound,
          PushDenied,
          Unauthorized,
          RegistryNotAllowed,
          RegistryInvalid,
          IsolationUnavailable,
          OutOfMemory,
          DiskFull,
          DeadlineExceeded,
          Superseded ->
          Optional.empty();
    };
  }

  /** For trouble of registries and nodes, which passes. */
  public static Backoff ofTrouble(Settings.Retry retry) {
    return new Backoff(Durations.parse(retry.initial()), Durations.parse(retry.max()));
  }

  /** The wait after a failure that so many other failures in a row went before. */
  public Duration after(int failures) {
    var wait = initial;
    for (int i = 0; i < failures && wait.compareTo(max) < 0; i++) {
      wait = wait.multipliedBy(2);
    }
    return wait.compareTo(max) < 0 ? wait : max;
  }
}
