package build.kiln.runtime.registry;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
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
  private final Map<Lane, Waiting> lanes = new EnumMap<>(Lane.class);
  private int allowed;
  private int good;

  /** Who uses a lane, and who waits for it. */
  private static final class Waiting {
    final Condition free;
    int inUse;

    Waiting(Condition free) {
      this.free = free;
    }
  }

  HostLimit(int transfers) {
    this.transfers = transfers;
    this.allowed = transfers;
    for (Lane lane : Lane.values()) {
      lanes.put(lane, new Waiting(lock.newCondition()));
    }
  }

  private Waiting of(Lane lane) {
    return Objects.requireNonNull(lanes.get(lane));
  }

  private int limit(Lane lane) {
    return lane == Lane.SMALL ? 2 * allowed : allowed;
  }

  void acquire(Lane lane) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      Waiting waiting = of(lane);
      while (waiting.inUse >= limit(lane)) {
        waiting.free.await();
      }
      waiting.inUse++;
    } finally {
      lock.unlock();
    }
  }

  void release(Lane lane) {
    lock.lock();
    try {
      Waiting waiting = of(lane);
      waiting.inUse--;
      if (waiting.inUse < limit(lane)) {
        waiting.free.signal();
      }
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
        lanes.values().forEach(waiting -> waiting.free.signalAll());
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
