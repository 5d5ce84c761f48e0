package build.kiln.runtime.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * A request on its way out. What is small goes in one piece with the head; what is large goes past
 * the buffer.
 */
final class Sending {
  private static final int SMALL = 16 * 1024;

  /** Tells whether the answer is here already. */
  @FunctionalInterface
  interface Look {
    boolean isAnswered() throws IOException;
  }

  /** The answer came before the end of what was to be sent. */
  static final class Answered extends IOException {
    Answered() {
      super("it answered before all was sent");
    }
  }

  private final OutputStream out;
  private final byte[] waiting;
  private int count;
  private boolean broken;

  /** When the write under way began, as of {@link System#nanoTime}, and never 0; 0 if none is. */
  private volatile long writingSince;

  /**
   * @param alone whether nothing follows the head
   */
  Sending(OutputStream out, boolean alone) {
    this.out = out;
    this.waiting = new byte[alone ? 0 : SMALL];
  }

  /** Whether it was the connection that failed, and not the content. */
  boolean isBroken() {
    return broken;
  }

  /** Whether a write has been under way for so many nanoseconds; for other threads. */
  boolean isWritingFor(long nanos) {
    long since = writingSince;
    return since != 0 && System.nanoTime() - since >= nanos;
  }

  /** Sends the head, or has it wait for the content. */
  void head(String head) throws IOException {
    put(head);
  }

  /**
   * Sends the content.
   *
   * @param lookEvery after so many bytes
   * @throws Answered if the server has answered meanwhile
   */
  void body(Request.Content content, Look look, long lookEvery) throws IOException {
    boolean inChunks = content.length() < 0;
    content.writeTo(
        new OutputStream() {
          private long sent;

          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, bytes.length);
            if (length == 0) {
              // A chunk of no length would be the last.
              return;
            }
            if (sent / lookEvery != (sent + length) / lookEvery && isAnswered(look)) {
              throw new Answered();
            }
            sent += length;
            if (inChunks) {
              put(Integer.toHexString(length) + "\r\n");
            }
            put(bytes, offset, length);
            if (inChunks) {
              put("\r\n");
            }
          }
        });
    if (inChunks) {
      put("0\r\n\r\n");
    }
  }

  private boolean isAnswered(Look look) throws IOException {
    try {
      return look.isAnswered();
    } catch (IOException e) {
      broken = true;
      throw e;
    }
  }

  private void put(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    put(bytes, 0, bytes.length);
  }

  private void put(byte[] bytes, int offset, int length) throws IOException {
    if (length > waiting.length - count) {
      finish();
    }
    if (length >= waiting.length) {
      send(bytes, offset, length);
      return;
    }
    System.arraycopy(bytes, offset, waiting, count, length);
    count += length;
  }

  /** Sends what waits. */
  void finish() throws IOException {
    int all = count;
    count = 0;
    if (all > 0) {
      send(waiting, 0, all);
    }
  }

  private void send(byte[] bytes, int offset, int length) throws IOException {
    writingSince = System.nanoTime() | 1;
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      broken = true;
      throw e;
    } finally {
      writingSince = 0;
    }
  }
}
