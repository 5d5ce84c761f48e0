package build.kiln.runtime.cli.progress;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.Vertex;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Events on a terminal: a heading, a line a vertex with its time at the right, and under a running
 * one its transfers and the last lines of its output. Redrawn in place with ECMA-48 sequences, some
 * ten times a second. What ended and does not fit is scrolled away, each line once.
 */
final class TerminalProgress implements Display {
  private static final long REDRAW_MILLIS = 100;
  private static final int LOG_LINES = 6;
  private static final String UP = "\u001b[%dA";
  private static final String CLEAR_BELOW = "\u001b[J";
  private static final String DIM = "\u001b[2m";
  private static final String RED = "\u001b[31m";
  private static final String BLUE = "\u001b[34m";
  private static final String RESET = "\u001b[0m";

  private final PrintStream out;
  private final TerminalSize size;
  private final LongSupplier nanos;
  private final long start;
  private final Map<Integer, Block> blocks = new LinkedHashMap<>();
  private @Nullable Thread timer;
  private int drawn;
  private int ended;
  private boolean closed;

  /**
   * @param nanos the time in nanoseconds from any origin
   */
  TerminalProgress(PrintStream out, TerminalSize size, LongSupplier nanos) {
    this.out = out;
    this.size = size;
    this.nanos = nanos;
    this.start = nanos.getAsLong();
  }

  /** One that redraws itself until it is closed. */
  static TerminalProgress start(PrintStream out, TerminalSize size) {
    var progress = new TerminalProgress(out, size, System::nanoTime);
    progress.timer = Thread.ofVirtual().name("progress").start(progress::redrawOften);
    return progress;
  }

  private void redrawOften() {
    try {
      while (true) {
        Thread.sleep(REDRAW_MILLIS);
        draw();
      }
    } catch (InterruptedException closing) {
      // close() draws the last state.
    }
  }

  @Override
  public synchronized void on(BuildEvent event) {
    switch (event) {
      case BuildEvent.Planned _ -> {}
      case BuildEvent.Started(var vertex) -> block(vertex);
      case BuildEvent.Output(var vertex, var bytes) -> block(vertex).lines.add(bytes);
      case BuildEvent.Transfer t ->
          block(t.vertex()).transfers.put(t.what(), Text.transferred(t.done(), t.total()));
      case BuildEvent.Note(var vertex, var text) -> block(vertex).notes.addAll(Text.lines(text));
      case BuildEvent.Warning(var text, _) -> {
        erase();
        PlainProgress.warn(out, text);
      }
      case BuildEvent.Finished(var vertex, var cache, _, var duration, _) ->
          block(vertex).end(cache == CacheResult.Hit ? State.CACHED : State.DONE, duration);
      case BuildEvent.Failed(var vertex, _, var duration) ->
          block(vertex).end(State.FAILED, duration);
    }
  }

  private Block block(Vertex vertex) {
    return blocks.computeIfAbsent(vertex.number(), _ -> new Block(vertex));
  }

  /** Draws the present state over the last one. */
  synchronized void draw() {
    if (closed) {
      return;
    }
    erase();
    scrollEnded();
    var lines = new ArrayList<String>();
    lines.add(heading());
    blocks.values().forEach(block -> block.draw(lines));
    List<String> shown = lines.size() < size.lines() ? lines : lines.subList(0, size.lines() - 1);
    shown.forEach(line -> out.print(line + "\n"));
    drawn = shown.size();
    out.flush();
  }

  private void erase() {
    if (drawn > 0) {
      out.print(UP.formatted(drawn) + "\r" + CLEAR_BELOW);
      drawn = 0;
    }
  }

  /** Prints the oldest blocks for good where the screen is too small for all. */
  private void scrollEnded() {
    var whole = new ArrayList<String>();
    blocks.values().forEach(block -> block.draw(whole));
    int excess = whole.size() + 2 - size.lines();
    var oldest = blocks.values().iterator();
    while (excess > 0 && oldest.hasNext()) {
      Block block = oldest.next();
      if (block.state == State.RUNNING) {
        return;
      }
      var lines = new ArrayList<String>();
      block.draw(lines);
      lines.forEach(line -> out.print(line + "\n"));
      excess -= lines.size();
      ended++;
      oldest.remove();
    }
  }

  private String heading() {
    long done = ended + blocks.values().stream().filter(b -> b.state != State.RUNNING).count();
    String text =
        "[+] Building %s (%d/%d)"
            .formatted(seconds(nanos.getAsLong() - start), done, ended + blocks.size());
    return Text.cut(text, size.columns());
  }

  private static String seconds(long elapsed) {
    return Text.seconds(Duration.ofNanos(elapsed));
  }

  @Override
  public void close() {
    if (timer != null) {
      timer.interrupt();
    }
    draw();
    synchronized (this) {
      closed = true;
    }
  }

  private enum State {
    RUNNING,
    DONE,
    CACHED,
    FAILED
  }

  /** One vertex. */
  private final class Block {
    private final String name;
    private final long since = nanos.getAsLong();
    private final List<String> log = new ArrayList<>();
    private final StepLines lines = new StepLines(this::logged);
    private final Map<String, String> transfers = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private State state = State.RUNNING;
    private @Nullable Duration took;

    Block(Vertex vertex) {
      this.name = Text.oneLine(vertex.name(), 512);
    }

    private void logged(String line) {
      if (log.size() == LOG_LINES) {
        log.removeFirst();
      }
      log.add(line);
    }

    void end(State how, Duration duration) {
      lines.flush();
      state = how;
      took = duration;
    }

    void draw(List<String> target) {
      String time = took == null ? seconds(nanos.getAsLong() - since) : Text.seconds(took);
      String mark =
          switch (state) {
            case RUNNING, DONE -> " => ";
            case CACHED -> " => CACHED ";
            case FAILED -> " => ERROR ";
          };
      int room = size.columns() - time.length() - 1;
      String text = Text.cut(mark + name, room);
      String line =
          text
              + " ".repeat(Math.max(1, size.columns() - Text.columns(text) - time.length()))
              + time;
      target.add(colour() + line + (state == State.RUNNING ? "" : RESET));
      notes.forEach(note -> target.add(below(note)));
      if (state == State.RUNNING) {
        transfers.forEach((what, far) -> target.add(below(Text.oneLine(what, 80) + " " + far)));
      }
      if (state == State.RUNNING || state == State.FAILED) {
        log.forEach(logLine -> target.add(DIM + below("# " + logLine) + RESET));
      }
    }

    private String colour() {
      return switch (state) {
        case RUNNING -> "";
        case DONE, CACHED -> BLUE;
        case FAILED -> RED;
      };
    }

    private String below(String text) {
      return Text.cut(" => => " + Text.expandTabs(text), size.columns());
    }
  }
}
