package build.kiln.runtime.mirror;

import java.io.InterruptedIOException;
import java.util.concurrent.locks.Lock;

/** Waits that an interrupt ends as it ends a request. */
final class Waiting {
  private Waiting() {}

  /**
   * Takes a lock.
   *
   * @param forWhat is waited, for the message
   */
  static void lock(Lock lock, String forWhat) throws InterruptedIOException {
    until(lock::lockInterruptibly, forWhat);
  }

  /** Waits for what can be interrupted. */
  static void until(Interruptible action, String forWhat) throws InterruptedIOException {
    try {
      action.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + forWhat);
    }
  }

  /** What waits. */
  @FunctionalInterface
  interface Interruptible {
    void run() throws InterruptedException;
  }
}
