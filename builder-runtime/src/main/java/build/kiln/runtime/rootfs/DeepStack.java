package build.kiln.runtime.rootfs;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs what calls itself once a directory level, on a thread whose stack is large enough for the
 * deepest tree that a layer may hold. Callers' stacks are of any size.
 */
final class DeepStack {
  /** Some 2,000 levels of a few frames each; only what is used takes memory. */
  private static final long BYTES = 32L << 20;

  private DeepStack() {}

  /** Runs the action and waits for it; an interrupt of this thread interrupts the action. */
  static <T> T call(Failures.Action<T> action) throws IOException {
    var task = new FutureTask<T>(action::run);
    Thread thread = Thread.ofPlatform().daemon().name("kiln-tree").stackSize(BYTES).start(task);
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
          thread.interrupt();
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case Error cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case null, default -> throw new IllegalStateException("an action failed", e);
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
