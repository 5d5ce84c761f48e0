package build.kiln.runtime.bench;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Runs a command and measures it. A shell that is there before starts it and tells its end, so that
 * no JVM's way to start processes is in the time, and stays until its times are read.
 */
final class Stopwatch {
  private static final String HOLDER = "read go; \"$@\" </dev/null >&2; echo $?; read end";

  /** What a step prints whose start is of interest; no Dockerfile has it as such. */
  static final String FIRST_STEP = "first-step-42";

  private Stopwatch() {}

  /**
   * What a command took.
   *
   * @param firstStepMillis when {@link #FIRST_STEP} was printed; NaN if it never was
   */
  record Taken(double wallMillis, double firstStepMillis, long cpuMillis, long peakBytes) {}

  /**
   * @param daemon the process whose work is counted too
   * @param bystanders processes that are not
   * @throws IOException if the command fails, with its output
   */
  static Taken measure(List<String> command, OptionalLong daemon, Set<Long> bystanders)
      throws IOException, InterruptedException {
    var held = new ArrayList<>(List.of("sh", "-c", HOLDER, "holder"));
    held.addAll(command);
    Process holder = Commands.prepare(held).start();
    var without = new java.util.HashSet<>(bystanders);
    without.add(ProcessHandle.current().pid());
    without.add(holder.pid());
    long cpuBefore = daemon.isPresent() ? ProcFs.cpuMillis(daemon.getAsLong()) : 0;
    var output = new Output(holder.getErrorStream());
    try (var codes =
            new BufferedReader(
                new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
        OutputStream go = holder.getOutputStream();
        var memory = MemorySampler.start(without)) {
      output.thread.start();
      long start = System.nanoTime();
      go.write('\n');
      go.flush();
      String code = codes.readLine();
      double wall = (System.nanoTime() - start) / 1e6;
      memory.close();
      long cpu = ProcFs.childrenCpuMillis(holder.pid());
      if (daemon.isPresent()) {
        cpu += ProcFs.cpuMillis(daemon.getAsLong()) - cpuBefore;
      }
      go.close();
      output.thread.join();
      if (!"0".equals(code)) {
        throw new IOException(String.join(" ", command) + " ended with " + code + ":\n" + output);
      }
      return new Taken(wall, output.firstStep(start), cpu, memory.growth());
    } finally {
      Commands.end(holder);
    }
  }

  /** Takes all that is printed, and the moment at which the first step did. */
  private static final class Output {
    private final InputStream in;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private long firstStepNanos;
    private boolean seen;
    final Thread thread = Thread.ofPlatform().name("output").daemon().unstarted(this::read);

    Output(InputStream in) {
      this.in = in;
    }

    private void read() {
      byte[] buffer = new byte[8192];
      try {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          bytes.write(buffer, 0, n);
          if (!seen && toString().contains(FIRST_STEP)) {
            firstStepNanos = System.nanoTime();
            seen = true;
          }
        }
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }

    double firstStep(long start) {
      return seen ? (firstStepNanos - start) / 1e6 : Double.NaN;
    }

    @Override
    public String toString() {
      return bytes.toString(StandardCharsets.UTF_8);
    }
  }
}
