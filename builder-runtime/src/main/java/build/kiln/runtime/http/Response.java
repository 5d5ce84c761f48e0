package build.kiln.runtime.http;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/** An answer whose body is still on the wire. Closing it gives the connection back. */
public final class Response implements Closeable {
  /** Who takes a connection back. */
  interface Owner {
    /**
     * @param most how long it may be kept for another exchange; zero if it must not
     */
    void takeBack(Connection connection, Duration most);
  }

  /** How often and how much is read of a body that nobody wanted, and how long each may wait. */
  private static final int MOST_READS = 4;

  private static final int CHEAP_TO_READ = 16 * 1024;
  private static final Duration SHORT = Duration.ofMillis(100);

  private final Head head;
  private final Body body;
  private final Connection connection;
  private final Owner owner;
  private final ReentrantLock reading = new ReentrantLock();
  private final AtomicBoolean closed = new AtomicBoolean();

  Response(Head head, Body body, Connection connection, Owner owner) {
    this.head = head;
    this.body = body;
    this.connection = connection;
    this.owner = owner;
  }

  /** From 200. */
  public int status() {
    return head.status();
  }

  /** The first header of that name, whatever its case. */
  public Optional<String> header(String name) {
    return Optional.ofNullable(head.first(name));
  }

  /** All headers of that name, in their order. */
  public List<String> headers(String name) {
    return head.all(name);
  }

  /** The body's length as it was announced, of an answer to HEAD too; empty if it was not. */
  public OptionalLong contentLength() {
    try {
      long length = head.contentLength();
      return length < 0 ? OptionalLong.empty() : OptionalLong.of(length);
    } catch (ProtocolException e) {
      return OptionalLong.empty();
    }
  }

  /** The body; empty if there is none. A read of a response that was closed is an error. */
  public InputStream body() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        return readOpen(buffer, offset, length);
      }
    };
  }

  /** Another thread may close meanwhile: then the connection is no longer this response's. */
  private int readOpen(byte[] buffer, int offset, int length) throws IOException {
    reading.lock();
    try {
      if (closed.get()) {
        throw new IOException("the response was closed");
      }
      return body.read(buffer, offset, length);
    } finally {
      reading.unlock();
    }
  }

  /** Gives the connection back, or drops it if much of the body is left, or is just being read. */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    Duration keep = Duration.ZERO;
    if (reading.tryLock()) {
      try {
        keep = isPassed() ? head.keepFor() : Duration.ZERO;
      } finally {
        reading.unlock();
      }
    }
    owner.takeBack(connection, keep);
  }

  /** Whether the body is passed, or is after a short while, and the next answer can follow. */
  private boolean isPassed() {
    if (!body.isFramed()) {
      return false;
    }
    try {
      if (!body.isAtEnd()) {
        connection.setTimeout(SHORT);
        byte[] rest = new byte[CHEAP_TO_READ];
        for (int i = 0; i < MOST_READS && !body.isAtEnd(); i++) {
          body.read(rest, 0, rest.length);
        }
      }
      return body.isAtEnd() && connection.isFit();
    } catch (IOException e) {
      // The answer was read as far as it mattered; the connection goes.
      return false;
    }
  }
}
