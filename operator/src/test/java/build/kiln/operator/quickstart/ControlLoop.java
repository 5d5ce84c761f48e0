package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread on which a controller looks at things: soon, later, and again after a failure. */
final class ControlLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlLoop.class);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(1);

  private final String name;
  private final ScheduledExecutorService thread;

  ControlLoop(String name) {
    this.name = name;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name(name).factory());
  }

  /** Looks as soon as the thread is free. */
  void soon(Runnable look) {
    later(Duration.ZERO, look);
  }

  /** Looks after a while; at once if it is negative. */
  void later(Duration delay, Runnable look) {
    try {
      thread.schedule(() -> attempt(look), delay.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("{} is closed and looks no more", name);
    }
  }

  private void attempt(Runnable look) {
    try {
      look.run();
    } catch (KubernetesClientException e) {
      if (!thread.isShutdown()) {
        LOG.warn("{} looks again in {}: {}", name, AFTER_FAILURE, e.toString());
        later(AFTER_FAILURE, look);
      }
    } catch (RuntimeException e) {
      LOG.error("{} has a bug", name, e);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
