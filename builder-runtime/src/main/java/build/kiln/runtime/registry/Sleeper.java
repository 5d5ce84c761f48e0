package build.kiln.runtime.registry;

import java.time.Duration;

/** Waits; injected, so that tests of retries take no time. */
@FunctionalInterface
public interface Sleeper {
  /**
   * @throws InterruptedException if the thread is interrupted, before or while it waits
   */
  void sleep(Duration duration) throws InterruptedException;

  /** The thread really sleeps. */
  static Sleeper system() {
    return Thread::sleep;
  }
}
