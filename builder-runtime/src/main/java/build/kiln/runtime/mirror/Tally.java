package build.kiln.runtime.mirror;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** What one image's copy came to so far; thread-safe. */
final class Tally {
  private final AtomicLong copied = new AtomicLong();
  private final AtomicLong mounted = new AtomicLong();
  private final AtomicBoolean changed = new AtomicBoolean();

  void copied(long bytes) {
    copied.addAndGet(bytes);
    changed.set(true);
  }

  void mounted(long bytes) {
    mounted.addAndGet(bytes);
    changed.set(true);
  }

  /** A manifest was pushed. */
  void pushed() {
    changed.set(true);
  }

  long copiedBytes() {
    return copied.get();
  }

  long mountedBytes() {
    return mounted.get();
  }

  boolean hasChanged() {
    return changed.get();
  }
}
