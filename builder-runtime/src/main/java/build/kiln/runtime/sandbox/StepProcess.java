package build.kiln.runtime.sandbox;

import build.kiln.runtime.posix.Threads;
import build.kiln.runtime.sandbox.Sandbox.Output;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A launcher's process from its start to its end. Its standard input is a lifeline: the launcher
 * kills the step when that ends, be it that the builder closes it or that the builder dies. Its
 * standard output starts with one byte that says it is ready to be set up; it waits for a line
 * then, and what follows is the output of the step, both its streams. Standard error is the
 * launcher's alone.
 */
final class StepProcess {
  private static final int BUFFER = 64 * 1024;
  private static final int MAX_MESSAGE = 4096;
  private static final long KILL_SECONDS = 20;

  private final Process process;
  private final Setup setup;
  private final Output output;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final ByteArrayOutputStream message = new ByteArrayOutputStream();
  private volatile boolean launched;

  /** What has to be done to a launcher that is ready. */
  interface Setup {
    void prepare(long pid) throws IOException;

    /** What it is told then, after the line that it waits for. */
    void tell(OutputStream launcher) throws IOException;

    /** Nothing. */
    Setup NONE =
        new Setup() {
          @Override
          public void prepare(long pid) {}

          @Override
          public void tell(OutputStream launcher) {}
        };
  }

  /** How a process is started, with nothing of this one's but its three streams. */
  @FunctionalInterface
  interface Starter {
    Process start(List<String> argv) throws IOException;
  }

  /**
   * How it ended.
   *
   * @param code exit code, 128 + n for signal n
   * @param launched whether it came to be ready
   * @param message what the launcher had to say
   */
  record Ended(int code, boolean launched, String message) {}

  private StepProcess(Process process, Setup setup, Output output) {
    this.process = process;
    this.setup = setup;
    this.output = output;
  }

  /**
   * Runs to the end.
   *
   * @param afterwards called when the launcher has ended, before its output is read to the end:
   *     ends what is left of the step
   * @throws IOException if the program cannot be started or set up
   */
  static Ended run(
      List<String> argv, Starter starter, Setup setup, Output output, Runnable afterwards)
      throws IOException, InterruptedException {
    return new StepProcess(starter.start(argv), setup, output).await(afterwards);
  }

  private Ended await(Runnable afterwards) throws IOException, InterruptedException {
    Thread out = pump("step-output", this::pumpOut);
    Thread err = pump("step-launcher", this::pumpErr);
    boolean interrupted = false;
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      interrupted = true;
      kill();
    }
    afterwards.run();
    interrupted |= Threads.joinUninterruptibly(out);
    interrupted |= Threads.joinUninterruptibly(err);
    closeLifeline();
    if (interrupted) {
      throw new InterruptedException("the step was killed");
    }
    Throwable failed = failure.get();
    if (failed instanceof IOException e) {
      throw e;
    } else if (failed instanceof RuntimeException e) {
      throw e;
    } else if (failed instanceof Error e) {
      throw e;
    }
    return new Ended(
        process.exitValue(), launched, message.toString(StandardCharsets.UTF_8).strip());
  }

  private static Thread pump(String name, Runnable task) {
    return Thread.ofPlatform().daemon().name(name).start(task);
  }

  /** Ends the launcher by its lifeline, or if that does not help, by force. */
  private void kill() {
    // It waits for who is writing a large secret, perhaps to one that does not read.
    Thread.ofPlatform().daemon().name("step-lifeline").start(this::closeLifeline);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(KILL_SECONDS);
    while (process.isAlive()) {
      try {
        long left = deadline - System.nanoTime();
        if (!process.waitFor(Math.max(left, 1), TimeUnit.NANOSECONDS)) {
          process.destroyForcibly().waitFor();
        }
      } catch (InterruptedException e) {
        // Once more does not change what is to be done: all of the step must end first.
        continue;
      }
    }
  }

  private void closeLifeline() {
    try {
      process.getOutputStream().close();
    } catch (IOException e) {
      // The launcher has ended and cannot take what was still buffered: nothing is lost.
      return;
    }
  }

  private void pumpOut() {
    try (InputStream in = process.getInputStream()) {
      launched = in.read() >= 0;
      if (launched) {
        setup.prepare(process.pid());
        tell(process.getOutputStream());
      }
      copy(in);
    } catch (IOException e) {
      fail(e);
    }
  }

  private void tell(OutputStream launcher) {
    try {
      launcher.write('\n');
      launcher.flush();
      setup.tell(launcher);
    } catch (IOException e) {
      // It has ended and says itself why, or it was ended.
      return;
    }
  }

  private void pumpErr() {
    try (InputStream in = process.getErrorStream()) {
      message.write(in.readNBytes(MAX_MESSAGE));
      in.skip(Long.MAX_VALUE);
    } catch (IOException e) {
      fail(e);
    }
  }

  /** Reads to the end in any case, since the step would wait for ever on a full pipe. */
  private void copy(InputStream in) throws IOException {
    byte[] buffer = new byte[BUFFER];
    for (int count; (count = in.read(buffer)) >= 0; ) {
      if (failure.get() == null) {
        try {
          output.write(buffer, count);
        } catch (RuntimeException | Error e) {
          fail(e);
        }
      }
    }
  }

  private void fail(Throwable cause) {
    failure.compareAndSet(null, cause);
    closeLifeline();
  }
}
