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
  private final Map<Lane, LaneUse> lanes = new EnumMap<>(Lane.class);
  private int allowed;
  private int good;

  /** Who uses a lane, and who waits for it. */
  private static final class LaneUse {
    final Condition free;
    int inUse;

    LaneUse(Condition free) {
      this.free = free;
    }
  }

  HostLimit(int transfers) {
    this.transfers = transfers;
    this.allowed = transfers;
    for (Lane lane : Lane.values()) {
      lanes.put(lane, new LaneUse(lock.newCondition()));
    }
  }

  private LaneUse of(Lane lane) {
    return Objects.requireNonNull(lanes.get(lane));
  }

  private int limit(Lane lane) {
    return lane == Lane.SMALL ? 2 * allowed : allowed;
  }

  void acquire(Lane lane) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      LaneUse use = of(lane);
      while (use.inUse >= limit(lane)) {
        use.free.await();
      }
      use.inUse++;
    } finally {
      lock.unlock();
    }
  }

  void release(Lane lane) {
    lock.lock();
    try {
      LaneUse use = of(lane);
      use.inUse--;
      if (use.inUse < limit(lane)) {
        use.free.signal();
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
        lanes.values().forEach(use -> use.free.signalAll());
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
