package build.kiln.runtime.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** Looks at the memory of all processes but some about every ten milliseconds. */
final class MemorySampler implements AutoCloseable {
  private static final long PAUSE_NANOS = 10_000_000;

  private final Set<Long> without;
  private final long before;
  private final Thread thread;
  private volatile boolean ended;
  private volatile long peak;

  private MemorySampler(Set<Long> without) throws IOException {
    this.without = without;
    this.before = ProcFs.residentBytes(without);
    this.peak = before;
    this.thread = Thread.ofPlatform().name("memory").daemon().unstarted(this::sample);
  }

  static MemorySampler start(Set<Long> without) throws IOException {
    var sampler = new MemorySampler(without);
    sampler.thread.start();
    return sampler;
  }

  private void sample() {
    while (!ended) {
      try {
        peak = Math.max(peak, ProcFs.residentBytes(without));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  /** The most that was resident at once, less what was before the first sample. */
  long growth() {
    return peak - before;
  }

  @Override
  public void close() throws InterruptedException {
    ended = true;
    thread.join();
  }
}
