package build.kiln.runtime.registry;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How much goes to one registry at once. Blob bodies in each direction and small requests have
 * lanes of their own, so that a check never waits behind gigabytes, and a copy within one registry
 * (a download feeding an upload) cannot wait for itself.
 *
 * <p>A registry that says "too many requests" gets half as much from then on, and one more after
 * every 20 requests that went well.
 */
final class HostLimit {
  /** What a request is for. */
  enum Lane {
    SMALL,
    DOWNLOAD,
    UPLOAD
  }

  private static final int GOOD_BEFORE_MORE = 20;

  private final int transfers;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Lane, Integer> inUse = new EnumMap<>(Lane.class);
  private int allowed;
  private int good;

  HostLimit(int transfers) {
    this.transfers = transfers;
    this.allowed = transfers;
  }

  private int limit(Lane lane) {
    return lane == Lane.SMALL ? 2 * allowed : allowed;
  }

  void acquire(Lane lane) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (inUse.getOrDefault(lane, 0) >= limit(lane)) {
        changed.await();
      }
      inUse.merge(lane, 1, Integer::sum);
    } finally {
      lock.unlock();
    }
  }

  void release(Lane lane) {
    lock.lock();
    try {
      inUse.merge(lane, -1, Integer::sum);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What the registry answered, so that the limit follows it. */
  void answered(int status) {
    lock.lock();
    try {
      if (status == 429) {
        allowed = Math.max(1, allowed / 2);
        good = 0;
      } else if (allowed < transfers && ++good >= GOOD_BEFORE_MORE) {
        allowed++;
        good = 0;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Blob bodies allowed now, in one direction. */
  int allowed() {
    lock.lock();
    try {
      return allowed;
    } finally {
      lock.unlock();
    }
  }
}
