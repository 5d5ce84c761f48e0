package build.kiln.runtime.registry;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Does the same to several things at once; how many requests go to a registry at once is its
 * client's to limit. On threads of the platform: sockets that virtual threads read from are watched
 * by a thread that never leaves the kernel, and a JVM waits 0.3 seconds for such threads before it
 * ends.
 */
public final class Concurrently {
  /** What waits for a registry costs no core; registries are asked for less at once than this. */
  private static final int THREADS = 32;

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
    if (things.size() == 1) {
      action.on(things.iterator().next());
      return;
    }
    ThreadFactory factory = Thread.ofPlatform().daemon().name("kiln-parallel-", 0).factory();
    try (ExecutorService threads =
        Executors.newFixedThreadPool(Math.min(THREADS, Math.max(1, things.size())), factory)) {
      var failure = new AtomicReference<@Nullable Throwable>();
      List<Future<?>> futures = new ArrayList<>();
      try {
        for (T thing : things) {
          futures.add(
              threads.submit(
                  () -> {
                    try {
                      action.on(thing);
                    } catch (Throwable e) {
                      failure.compareAndSet(null, e);
                      threads.shutdownNow();
                      throw e;
                    }
                    return null;
                  }));
        }
        for (Future<?> future : futures) {
          future.get();
        }
      } catch (ExecutionException | RejectedExecutionException e) {
        // The first failure, not what the others say that were ended by it.
        threads.shutdownNow();
        throw asIo(Objects.requireNonNullElse(failure.get(), e));
      } catch (InterruptedException e) {
        threads.shutdownNow();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  private static IOException asIo(Throwable cause) {
    return switch (cause) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> new IOException(cause);
    };
  }
}
