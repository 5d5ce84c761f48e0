package build.kiln.runtime.cli.progress;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.Vertex;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Events as lines, for logs; the form is that of BuildKit's plain progress. Every line starts with
 * {@code #} and its vertex's number, or with {@code WARN: }, or is empty: text of steps,
 * Dockerfiles and registries never starts a line, so that it cannot look like a record of the work
 * order.
 */
public final class PlainProgress implements Display {
  private static final long TRANSFER_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int NAME_LENGTH = 512;

  private final PrintStream out;
  private final LongSupplier nanos;
  private final Map<Integer, Block> open = new LinkedHashMap<>();
  private @Nullable Block current;
  private boolean printed;

  public PlainProgress(PrintStream out) {
    this(out, System::nanoTime);
  }

  /**
   * @param nanos the time in nanoseconds from any origin
   */
  PlainProgress(PrintStream out, LongSupplier nanos) {
    this.out = out;
    this.nanos = nanos;
  }

  @Override
  public void on(BuildEvent event) {
    switch (event) {
      case BuildEvent.Planned _ -> {}
      case BuildEvent.Started(var vertex) -> show(block(vertex));
      case BuildEvent.Output(var vertex, var bytes) -> block(vertex).output.add(bytes);
      case BuildEvent.Transfer transfer -> block(transfer.vertex()).transfer(transfer);
      case BuildEvent.Note(var vertex, var text) -> {
        Block block = block(vertex);
        Text.lines(text).forEach(block::line);
      }
      case BuildEvent.Warning(var text, _) -> warn(out, text);
      case BuildEvent.Finished(var vertex, var cache, _, var duration, _) ->
          end(
              vertex,
              List.of(cache == CacheResult.Hit ? "CACHED" : "DONE " + Text.seconds(duration)));
      case BuildEvent.Failed(var vertex, var message, _) -> end(vertex, error(message));
    }
    out.flush();
  }

  /** Prints a warning; further lines of it are indented. */
  static void warn(PrintStream out, String text) {
    out.print("WARN: " + String.join("\n      ", Text.lines(text)) + "\n");
  }

  private static List<String> error(String message) {
    List<String> lines = new ArrayList<>();
    for (String line : Text.lines(message)) {
      lines.add((lines.isEmpty() ? "ERROR: " : "  ") + line);
    }
    return lines;
  }

  @Override
  public void close() {
    open.values().forEach(Block::flush);
    open.clear();
    out.flush();
  }

  private Block block(Vertex vertex) {
    return open.computeIfAbsent(vertex.number(), _ -> new Block(vertex, nanos.getAsLong()));
  }

  private void end(Vertex vertex, List<String> last) {
    Block block = block(vertex);
    block.flush();
    last.forEach(block::line);
    open.remove(vertex.number());
    current = null;
  }

  /** Makes the block the one that lines belong to; says so if another is not at its end. */
  private void show(Block block) {
    if (current == block) {
      return;
    }
    if (current != null) {
      out.print(current.prefix + "...\n");
    }
    out.print((printed ? "\n" : "") + block.prefix + block.name + "\n");
    printed = true;
    current = block;
  }

  /** A vertex that has not ended. */
  private final class Block {
    private final String prefix;
    private final String name;
    private final long start;
    private final StepLines output = new StepLines(this::timed);
    private final Map<String, Shown> transfers = new HashMap<>();

    Block(Vertex vertex, long start) {
      this.prefix = "#" + vertex.number() + " ";
      this.name = Text.oneLine(vertex.name(), NAME_LENGTH);
      this.start = start;
    }

    void line(String text) {
      show(this);
      out.print(prefix + text + "\n");
    }

    private void timed(String text) {
      line(Decimals.rounded((nanos.getAsLong() - start) / 1e9, 3) + " " + text);
    }

    void transfer(BuildEvent.Transfer now) {
      Shown shown = transfers.get(now.what());
      long time = nanos.getAsLong();
      boolean whole = now.total() > 0 && now.done() >= now.total();
      boolean due =
          shown == null || time - shown.time >= TRANSFER_NANOS || (whole && !shown.isOf(now));
      if (due) {
        transferred(now);
      }
      transfers.put(now.what(), due || shown == null ? new Shown(time, now, now) : shown.with(now));
    }

    private void transferred(BuildEvent.Transfer transfer) {
      line(
          Text.oneLine(transfer.what(), NAME_LENGTH)
              + " "
              + Text.transferred(transfer.done(), transfer.total()));
    }

    void flush() {
      output.flush();
      transfers.values().stream()
          .filter(shown -> !shown.isOf(shown.newest))
          .map(Shown::newest)
          .forEach(this::transferred);
      transfers.clear();
    }
  }

  /**
   * A transfer's lines.
   *
   * @param time of the last line
   * @param last what that line says
   * @param newest what came since
   */
  private record Shown(long time, BuildEvent.Transfer last, BuildEvent.Transfer newest) {
    Shown with(BuildEvent.Transfer transfer) {
      return new Shown(time, last, transfer);
    }

    boolean isOf(BuildEvent.Transfer transfer) {
      return last.done() == transfer.done() && last.total() == transfer.total();
    }
  }
}
