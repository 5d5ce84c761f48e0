package build.kiln.runtime.registry;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * A body that must keep coming: a server that sends a byte now and then is never silent for long,
 * and would hold its place for ever. Only time spent in reading counts, not the reader's own.
 */
final class Pacing extends FilterInputStream {
  /** Bytes a second, on average over a window. */
  static final int SLOWEST = 1024;

  private final Duration window;
  private final LongSupplier nanoTime;
  private long waited;
  private long received;

  /**
   * @param window how long the average may be below {@link #SLOWEST}
   * @param nanoTime as {@link System#nanoTime}
   */
  Pacing(InputStream in, Duration window, LongSupplier nanoTime) {
    super(in);
    this.window = window;
    this.nanoTime = nanoTime;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    long start = nanoTime.getAsLong();
    int n = in.read(buffer, offset, length);
    waited += nanoTime.getAsLong() - start;
    if (n < 0) {
      return n;
    }
    received += n;
    if (waited >= window.toNanos()) {
      if (received < SLOWEST * Math.max(1, window.toSeconds())) {
        throw new IOException(
            "it sent only " + received + " bytes in " + window.toSeconds() + " s");
      }
      waited = 0;
      received = 0;
    }
    return n;
  }

  @Override
  public long skip(long count) throws IOException {
    byte[] buffer = new byte[(int) Math.clamp(count, 0, 64 * 1024)];
    return buffer.length == 0 ? 0 : Math.max(0, read(buffer, 0, buffer.length));
  }
}
