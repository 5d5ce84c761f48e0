package build.kiln.runtime.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** How long the phases of a run take, in milliseconds; they follow each other. */
final class Timings {
  private final Map<String, Long> phases = new LinkedHashMap<>();
  private long since;

  private Timings(long since) {
    this.since = since;
  }

  /** Starts with what the JVM took until now. */
  static Timings sinceProcessStart() {
    var timings = new Timings(System.nanoTime());
    ProcessHandle.current()
        .info()
        .startInstant()
        .ifPresent(
            start -> timings.phases.put("jvm", Duration.between(start, Instant.now()).toMillis()));
    return timings;
  }

  /** What was done since the last call was this phase. */
  void ended(String phase) {
    long now = System.nanoTime();
    phases.merge(phase, (now - since) / 1_000_000, Long::sum);
    since = now;
  }

  Map<String, Long> phases() {
    return phases;
  }

  /** This process's peak resident memory in bytes, 0 if the kernel does not tell. */
  static long peakMemory() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
          .findFirst()
          .orElse(0);
    } catch (IOException unknown) {
      return 0;
    }
  }
}
