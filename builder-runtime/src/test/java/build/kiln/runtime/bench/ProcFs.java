package build.kiln.runtime.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** What the kernel says of the processes of this PID namespace. */
final class ProcFs {
  private static final Path PROC = Path.of("/proc");
  private static final long PAGE_BYTES = configured("PAGESIZE");
  private static final long TICK_MILLIS = 1000 / configured("CLK_TCK");

  private ProcFs() {}

  private static long configured(String name) {
    try {
      return Long.parseLong(Commands.run(List.of("getconf", name)).strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Resident bytes of all processes but these, shared pages counted for each. */
  static long residentBytes(Set<Long> without) throws IOException {
    long pages = 0;
    try (var processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        if (!without.contains(Long.parseLong(process.getFileName().toString()))) {
          pages += pages(process);
        }
      }
    }
    return pages * PAGE_BYTES;
  }

  private static long pages(Path process) {
    try {
      return Long.parseLong(read(process.resolve("statm")).split(" ", 3)[1]);
    } catch (IOException e) {
      return 0; // it has ended in the meantime
    }
  }

  /** CPU time of the children that a process has waited for, and of theirs. */
  static long childrenCpuMillis(long pid) throws IOException {
    String[] fields = stat(pid);
    return (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * TICK_MILLIS;
  }

  /** CPU time of a process and of its children that have ended. */
  static long cpuMillis(long pid) throws IOException {
    String[] fields = stat(pid);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * TICK_MILLIS
        + childrenCpuMillis(pid);
  }

  /** The fields from the state on, which is the third in proc(5). */
  private static String[] stat(long pid) throws IOException {
    String stat = read(PROC.resolve(pid + "/stat"));
    return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }
}
