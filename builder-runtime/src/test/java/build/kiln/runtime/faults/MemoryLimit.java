package build.kiln.runtime.faults;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/**
 * A control group of its own, of version 1 or 2, with a limit of memory for a process and all that
 * it starts, as a pod has one.
 */
final class MemoryLimit implements AutoCloseable {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");

  private final Path group;
  private final boolean unified;

  private MemoryLimit(Path group, boolean unified) {
    this.group = group;
    this.unified = unified;
  }

  /** Makes it, or skips the test where none can be made. */
  static MemoryLimit of(long bytes) throws IOException {
    Path first = ROOT.resolve("memory");
    boolean unified = !Files.isDirectory(first);
    Path group = (unified ? ROOT : first).resolve("kiln-test-" + UUID.randomUUID());
    try {
      Files.createDirectory(group);
    } catch (IOException e) {
      return abort("no control group can be made: " + e);
    }
    var limit = new MemoryLimit(group, unified);
    Path file = group.resolve(unified ? "memory.max" : "memory.limit_in_bytes");
    if (!Files.isWritable(file)) {
      limit.close();
      return abort("control groups have no limit of memory here");
    }
    Files.writeString(file, Long.toString(bytes));
    Path swap = group.resolve(unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
    if (Files.isWritable(swap)) {
      Files.writeString(swap, unified ? "0" : Long.toString(bytes));
    }
    return limit;
  }

  /** A command that runs in it. */
  List<String> prefix() {
    String enter = "echo $$ > '" + group.resolve("cgroup.procs") + "' && exec \"$@\"";
    return List.of("sh", "-c", enter, "sh");
  }

  /** How many processes were killed for want of memory. */
  long killed() throws IOException {
    return Files.readAllLines(group.resolve(unified ? "memory.events" : "memory.oom_control"))
        .stream()
        .filter(line -> line.startsWith("oom_kill "))
        .mapToLong(line -> Long.parseLong(line.substring("oom_kill ".length())))
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void close() throws IOException {
    Files.delete(group);
  }
}
