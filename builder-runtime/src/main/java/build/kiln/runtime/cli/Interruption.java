package build.kiln.runtime.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ctrl-C, and kubelet's SIGTERM: the thread that works is interrupted, so that steps are killed,
 * folders removed and the outcome is told, and the process ends when that is done.
 */
final class Interruption {
  /** Kubelet's default is 30 seconds until SIGKILL. */
  private static final long PATIENCE_SECONDS = 20;

  private final CountDownLatch finished = new CountDownLatch(1);
  private final AtomicBoolean ending = new AtomicBoolean();
  private volatile int code;

  private Interruption() {}

  static Interruption install(Thread worker) {
    var interruption = new Interruption();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> interruption.end(worker), "end"));
    return interruption;
  }

  /** The work is done, with this exit code. */
  void finished(int exitCode) {
    code = exitCode;
    boolean interrupted = ending.get();
    finished.countDown();
    if (interrupted) {
      // System.exit would wait for the hook, which ends the process.
      Runtime.getRuntime().halt(exitCode);
    }
  }

  private void end(Thread worker) {
    if (finished.getCount() == 0) {
      return;
    }
    ending.set(true);
    worker.interrupt();
    try {
      if (finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        Runtime.getRuntime().halt(code);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
