package build.kiln.runtime.registry;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Does the same to several things at once; how many requests go to a registry at once is its
 * client's to limit. On threads of the platform: sockets that virtual threads read from are watched
 * by a thread that never leaves the kernel, and a JVM waits 0.3 seconds for such threads before it
 * ends. The threads are used again by who comes next, since to make one takes as long as a request
 * of a small blob.
 */
public final class Concurrently {
  /** What waits for a registry costs no core; registries are asked for less at once than this. */
  private static final int THREADS = 32;

  private static final int IDLE_SECONDS = 5;

  /** Without a limit: whoever waits here for others must not keep those from being done. */
  private static final ExecutorService POOL =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          IDLE_SECONDS,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          Thread.ofPlatform().daemon().name("kiln-parallel-", 0).factory());

  /** What is done to each. */
  @FunctionalInterface
  public interface Action<T> {
    void on(T thing) throws IOException;
  }

  private Concurrently() {}

  /**
   * Returns when all are done; the first failure ends the others.
   *
   * @throws InterruptedIOException if this thread is interrupted
   */
  public static <T> void all(Collection<T> things, Action<T> action) throws IOException {
    all(things, THREADS, action);
  }

  /**
   * As {@link #all(Collection, Action)}, in the order of the things.
   *
   * @param most that are begun and not done, from 1
   */
  public static <T> void all(Collection<T> things, int most, Action<T> action) throws IOException {
    if (things.size() == 1) {
      action.on(things.iterator().next());
      return;
    }
    Work<T> work = new Work<>(things, action);
    for (int i = Math.min(most, things.size()); i > 0; i--) {
      POOL.execute(work::take);
    }
    work.await();
  }

  /** What is left of it, and who is at it. */
  private static final class Work<T> {
    private final Action<T> action;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<T> left;
    private final Set<Thread> workers = new HashSet<>();
    private @Nullable Throwable failure;

    Work(Collection<T> things, Action<T> action) {
      this.left = new ArrayDeque<>(things);
      this.action = action;
    }

    /** Does one after the other until none is left. */
    void take() {
      @Nullable T thing = next(null);
      while (thing != null) {
        @Nullable Throwable failed = null;
        try {
          action.on(thing);
        } catch (Throwable e) {
          failed = e;
        }
        thing = next(failed);
      }
    }

    private @Nullable T next(@Nullable Throwable failed) {
      lock.lock();
      try {
        if (failed != null) {
          // The first, not what the others say that are ended by it.
          failure = failure == null ? failed : failure;
          end();
        }
        T thing = left.poll();
        if (thing != null) {
          workers.add(Thread.currentThread());
          return thing;
        }
        workers.remove(Thread.currentThread());
        changed.signalAll();
        // The thread's next work is another's.
        Thread.interrupted();
        return null;
      } finally {
        lock.unlock();
      }
    }

    /** Nothing is begun any more, and what is under way is interrupted. */
    private void end() {
      left.clear();
      workers.forEach(Thread::interrupt);
    }

    /** Waits until nobody is at it any more. */
    void await() throws IOException {
      boolean interrupted = false;
      lock.lock();
      try {
        while (!left.isEmpty() || !workers.isEmpty()) {
          try {
            changed.await();
          } catch (InterruptedException e) {
            interrupted = true;
            end();
          }
        }
      } finally {
        lock.unlock();
      }
      if (interrupted) {
        throw new InterruptedIOException("interrupted");
      }
      if (failure != null) {
        throw asIo(failure);
      }
    }
  }

  /**
   * What work that may throw nothing else has failed with.
   *
   * @throws RuntimeException if it was one
   * @throws Error if it was one
   */
  public static IOException asIo(Throwable cause) {
    return switch (cause) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> new IOException(cause);
    };
  }
}
