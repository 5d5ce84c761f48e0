package build.kiln.runtime.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What comes over a connection: heads and lines from a buffer, bodies past it. */
final class WireInput {
  private static final int BUFFER = 8 * 1024;

  /** A head of an answer, or a line in its body. Redirects to object stores have long ones. */
  private static final int LONGEST = 128 * 1024;

  private final Socket socket;
  private final InputStream in;
  private byte[] buffer = new byte[BUFFER];
  private int position;
  private int limit;

  WireInput(Socket socket) throws IOException {
    this.socket = socket;
    this.in = socket.getInputStream();
  }

  /** How long a read may take from now on. */
  void setTimeout(Duration timeout) throws IOException {
    socket.setSoTimeout(millis(timeout));
  }

  /** As sockets take a time that is not endless. */
  static int millis(Duration timeout) {
    return (int) Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE);
  }

  /** Whether something can be read without waiting; over TLS, what has been decrypted. */
  boolean isReady() throws IOException {
    return position < limit || in.available() > 0;
  }

  /**
   * Whether something has come that can be read, over TLS too, for which a read is tried for a
   * millisecond.
   *
   * @throws EOFException if the connection has ended
   */
  boolean hasMore() throws IOException {
    if (position < limit) {
      return true;
    }
    int before = socket.getSoTimeout();
    socket.setSoTimeout(1);
    try {
      int n = in.read(buffer, 0, buffer.length);
      if (n < 0) {
        throw new EOFException("it ended without an answer");
      }
      position = 0;
      limit = n;
      return true;
    } catch (SocketTimeoutException silent) {
      return false;
    } finally {
      socket.setSoTimeout(before);
    }
  }

  /** Whether all that was received has been read. */
  boolean isEmpty() {
    return position == limit;
  }

  /** As {@link InputStream#read(byte[], int, int)}. */
  int read(byte[] into, int offset, int length) throws IOException {
    if (position < limit) {
      int n = Math.min(length, limit - position);
      System.arraycopy(buffer, position, into, offset, n);
      position += n;
      return n;
    }
    return in.read(into, offset, length);
  }

  /**
   * The lines up to the next empty one, without their ends; LF alone is one too (RFC 9112, 2.2).
   * Empty ones before are passed over.
   *
   * @param most how long to wait for all of it
   * @throws EOFException if the connection ends before
   * @throws SocketTimeoutException if it takes longer
   * @throws ProtocolException if it is too long
   */
  List<String> head(Duration most) throws IOException {
    long start = System.nanoTime();
    setTimeout(most);
    while (true) {
      // One text of all that is here: to look for ends in it is what a young JVM is quickest at.
      String text = new String(buffer, position, limit - position, StandardCharsets.ISO_8859_1);
      List<String> lines = new ArrayList<>();
      int from = 0;
      for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        String line = line(text, from, end);
        from = end + 1;
        if (!line.isEmpty()) {
          lines.add(line);
        } else if (!lines.isEmpty()) {
          position += from;
          return lines;
        }
      }
      boolean begun = limit > position;
      fill();
      if (begun) {
        // A server that sends a byte now and then must not hold its place for ever.
        Duration left = most.minusNanos(System.nanoTime() - start);
        if (!left.isPositive()) {
          throw new SocketTimeoutException("the head of its answer does not end");
        }
        setTimeout(left);
      }
    }
  }

  /**
   * The next line, without its end.
   *
   * @throws EOFException if the connection ends before
   * @throws ProtocolException if it is too long
   */
  String line() throws IOException {
    while (true) {
      for (int i = position; i < limit; i++) {
        if (buffer[i] == '\n') {
          String text = new String(buffer, position, i - position, StandardCharsets.ISO_8859_1);
          position = i + 1;
          return line(text, 0, text.length());
        }
      }
      fill();
    }
  }

  private static String line(String text, int from, int end) {
    int to = end > from && text.charAt(end - 1) == '\r' ? end - 1 : end;
    return text.substring(from, to);
  }

  /** Waits for more. */
  private void fill() throws IOException {
    if (position > 0) {
      System.arraycopy(buffer, position, buffer, 0, limit - position);
      limit -= position;
      position = 0;
    }
    if (limit == LONGEST) {
      throw new ProtocolException("its answer has a head or a line of more than 128 KiB");
    }
    if (limit == buffer.length) {
      buffer = Arrays.copyOf(buffer, Math.min(LONGEST, 4 * limit));
    }
    int n = in.read(buffer, limit, buffer.length - limit);
    if (n < 0) {
      throw new EOFException(
          limit == 0 ? "it ended without an answer" : "it ended in the middle of an answer");
    }
    limit += n;
  }
}
