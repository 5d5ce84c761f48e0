package build.kiln.runtime.registry;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How often and after what wait a failed request is tried again: exponential from {@code first} to
 * {@code longest}, each wait between half of that and all of it by chance. A registry's own wish
 * ({@code Retry-After}) goes before, up to {@code longest}; if it wants longer, the call fails.
 *
 * @param attempts tries in all, 1 to 20
 */
public record RetryPolicy(int attempts, Duration first, Duration longest) {
  /** 5 tries within about 10 seconds. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(5, Duration.ofMillis(500), Duration.ofSeconds(60));

  /** One try. */
  public static final RetryPolicy NONE = new RetryPolicy(1, Duration.ZERO, Duration.ZERO);

  public RetryPolicy {
    if (attempts < 1 || attempts > 20) {
      throw new IllegalArgumentException("attempts must be 1 to 20, not " + attempts);
    }
    if (first.isNegative() || longest.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "waits must not be negative and first not above longest: " + first + ", " + longest);
    }
  }

  /** The wait after the n-th failed try, n from 1. */
  Duration waitAfter(int failed, RandomGenerator random) {
    long full = first.toMillis() << Math.min(failed - 1, 20);
    long millis = Math.min(full, longest.toMillis());
    return Duration.ofMillis(millis / 2 + (long) (random.nextDouble() * (millis - millis / 2)));
  }
}
