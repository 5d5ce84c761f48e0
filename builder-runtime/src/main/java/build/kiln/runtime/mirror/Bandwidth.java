package build.kiln.runtime.mirror;

import build.kiln.runtime.registry.Sleeper;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Bytes a second, over all that share it. Whoever read bytes waits until they would have come at
 * that rate; nothing is saved up while nothing is read. Thread-safe.
 */
public final class Bandwidth {
  /** As fast as it goes. */
  public static final Bandwidth UNLIMITED =
      new Bandwidth(Long.MAX_VALUE, System::nanoTime, Sleeper.system());

  private static final double NANOS = 1e9;

  private final long bytesPerSecond;
  private final LongSupplier nanoTime;
  private final Sleeper sleeper;
  private final ReentrantLock lock = new ReentrantLock();
  private long freeAt;

  /**
   * @param bytesPerSecond from 1; {@link Long#MAX_VALUE} for no limit
   */
  public Bandwidth(long bytesPerSecond, LongSupplier nanoTime, Sleeper sleeper) {
    if (bytesPerSecond < 1) {
      throw new IllegalArgumentException("a bandwidth must be positive, not " + bytesPerSecond);
    }
    this.bytesPerSecond = bytesPerSecond;
    this.nanoTime = nanoTime;
    this.sleeper = sleeper;
    this.freeAt = nanoTime.getAsLong();
  }

  /** Waits for these bytes, which were read. */
  void take(long bytes) throws InterruptedIOException {
    if (bytesPerSecond == Long.MAX_VALUE) {
      return;
    }
    long wait;
    lock.lock();
    try {
      long now = nanoTime.getAsLong();
      freeAt = Math.max(freeAt - now, 0) + now + (long) (bytes * NANOS / bytesPerSecond);
      wait = freeAt - now;
    } finally {
      lock.unlock();
    }
    try {
      sleeper.sleep(Duration.ofNanos(wait));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while keeping to the bandwidth");
    }
  }
}
