package build.kiln.runtime.build;

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
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Does the same to several things at once, each on a virtual thread. */
final class Concurrently {
  /** What is done to each. */
  @FunctionalInterface
  interface Action<T> {
    void on(T thing) throws IOException;
  }

  private Concurrently() {}

  /**
   * Returns when all are done; the first failure ends the others.
   *
   * @throws InterruptedIOException if this thread is interrupted
   */
  static <T> void all(Collection<T> things, Action<T> action) throws IOException {
    if (things.size() == 1) {
      action.on(things.iterator().next());
      return;
    }
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
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
