package build.kiln.runtime.build;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The last lines of a step's output. Thread-safe. */
final class LogTail {
  private static final int BYTES = 16 * 1024;
  private static final int LINES = 20;

  private final byte[] ring = new byte[BYTES];
  private long written;

  synchronized void add(byte[] bytes, int length) {
    int from = Math.max(0, length - BYTES);
    for (int i = from; i < length; i++) {
      ring[(int) ((written + i) % BYTES)] = bytes[i];
    }
    written += length;
  }

  /** At most 20 lines; without a line's start if that is too long. */
  synchronized String text() {
    int length = (int) Math.min(written, BYTES);
    var bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = ring[(int) ((written - length + i) % BYTES)];
    }
    List<String> lines =
        Arrays.asList(new String(bytes, StandardCharsets.UTF_8).stripTrailing().split("\n", -1));
    return String.join("\n", lines.subList(Math.max(0, lines.size() - LINES), lines.size()));
  }
}
