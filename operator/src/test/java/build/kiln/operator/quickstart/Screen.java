package build.kiln.operator.quickstart;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;

/** What the quickstart tells its user, with the time since it started. Thread-safe. */
final class Screen {
  private final PrintStream out;
  private final LongSupplier nanos;
  private final long start;

  /**
   * @param nanos a clock, as {@link System#nanoTime}
   */
  Screen(PrintStream out, LongSupplier nanos) {
    this.out = out;
    this.nanos = nanos;
    this.start = nanos.getAsLong();
  }

  /** Something happened. */
  void step(String what, String text) {
    print("%s  %-10s  %s".formatted(time(), what, text));
  }

  /** A line that a builder printed. */
  void output(String line) {
    print("        | " + line);
  }

  /** A command, and below it what it prints. */
  void answer(String command, String text) {
    print("\n$ " + command + "\n" + text.stripTrailing());
  }

  /** Text as it is. */
  void text(String text) {
    print(text.stripTrailing());
  }

  /** How long it took so far. */
  String time() {
    var elapsed = Duration.ofNanos(nanos.getAsLong() - start);
    return String.format(Locale.ROOT, "%5.1fs", elapsed.toMillis() / 1000.0);
  }

  private synchronized void print(String text) {
    out.println(text);
    out.flush();
  }
}
