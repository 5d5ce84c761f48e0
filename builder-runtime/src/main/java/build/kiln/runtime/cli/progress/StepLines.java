package build.kiln.runtime.cli.progress;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Makes lines of one stream of a step's output. A carriage return starts a line over, as on a
 * terminal, so that of a progress bar only the last state becomes a line. A line that is too long
 * becomes several: a stream without line ends must not fill the memory, and the runtime of a
 * container cuts its log at 16 KiB, where text of the step would start a line.
 */
final class StepLines {
  /** The longest line in bytes, give or take a character; bytes that are none become three. */
  static final int MAX_BYTES = 4 * 1024;

  private static final int LONGEST_CHARACTER = 4;

  private final Consumer<String> sink;
  private final byte[] line = new byte[MAX_BYTES + LONGEST_CHARACTER];
  private int length;
  private boolean returned;

  /**
   * @param sink takes each line, clean
   */
  StepLines(Consumer<String> sink) {
    this.sink = sink;
  }

  void add(byte[] bytes) {
    for (byte b : bytes) {
      add(b);
    }
  }

  private void add(byte b) {
    if (b == '\n') {
      end();
    } else if (b == '\r') {
      returned = true;
    } else {
      if (returned) {
        length = 0;
        returned = false;
      } else if (length == line.length || (length >= MAX_BYTES && !continues(b))) {
        end();
      }
      line[length++] = b;
    }
  }

  /** Whether it is a later byte of a character in UTF-8. */
  private static boolean continues(byte b) {
    return (b & 0xc0) == 0x80;
  }

  private void end() {
    String text = partial();
    length = 0;
    returned = false;
    sink.accept(text);
  }

  /** The line that has not ended yet. */
  String partial() {
    return Text.clean(new String(Arrays.copyOf(line, length), StandardCharsets.UTF_8));
  }

  /** Ends the last line if it has no line end. */
  void flush() {
    if (length > 0) {
      end();
    }
  }
}
