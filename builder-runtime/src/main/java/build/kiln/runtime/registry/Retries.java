package build.kiln.runtime.registry;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/** Tries again what failed in a way that may pass. */
final class Retries {
  /** One try. */
  interface Try<T> {
    T run() throws IOException;
  }

  private final RetryPolicy policy;
  private final Sleeper sleeper;
  private final RandomGenerator random;

  Retries(RetryPolicy policy, Sleeper sleeper, RandomGenerator random) {
    this.policy = policy;
    this.sleeper = sleeper;
    this.random = random;
  }

  int attempts() {
    return policy.attempts();
  }

  <T> T run(String doing, int attempts, Try<T> attempt) throws IOException {
    return run(doing, attempts, RegistryException::retryable, attempt);
  }

  /**
   * Tries, and tries again.
   *
   * @param passing which failures a later try may cure
   */
  <T> T run(String doing, int attempts, Predicate<RegistryException> passing, Try<T> attempt)
      throws IOException {
    for (int failed = 1; ; failed++) {
      try {
        return attempt.run();
      } catch (RegistryException e) {
        if (!passing.test(e)) {
          throw e;
        }
        if (failed >= attempts) {
          throw failed == 1 ? e : e.withNote(" (tried " + failed + " times)");
        }
        pause(doing, failed, e);
      }
    }
  }

  /** Waits as the policy or the registry wants before another try. */
  void pause(String doing, int failed, RegistryException reason) throws IOException {
    Duration own = policy.waitAfter(failed, random);
    Duration asked = reason.retryAfter().orElse(Duration.ZERO);
    if (asked.compareTo(policy.longest()) > 0) {
      throw reason.withNote(" (it asks to wait " + asked.toSeconds() + " s)");
    }
    try {
      sleeper.sleep(own.compareTo(asked) > 0 ? own : asked);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Failures.interrupted(doing, e);
    }
  }
}
