package build.kiln.runtime.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;

/** Where the figures were taken, in words. */
final class Machine {
  private Machine() {}

  static String describe(Path scratch) throws IOException, InterruptedException {
    String processor = field(Path.of("/proc/cpuinfo"), "model name");
    String memory = field(Path.of("/proc/meminfo"), "MemTotal").replace(" kB", "");
    String kernel = Commands.run(List.of("uname", "-sr")).strip();
    String load = Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
    return String.format(
        Locale.ROOT,
        "%d x %s, %.0f GB of memory, %s; disk images on %s; load average before: %s; %s",
        Runtime.getRuntime().availableProcessors(),
        processor,
        Long.parseLong(memory) * 1024 / 1e9,
        kernel,
        Files.getFileStore(scratch).type(),
        load,
        LocalDate.now(java.time.ZoneOffset.UTC));
  }

  private static String field(Path file, String name) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("0");
  }
}
