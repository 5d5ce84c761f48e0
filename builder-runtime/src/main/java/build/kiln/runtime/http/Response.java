package build.kiln.runtime.http;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** An answer whose body is still on the wire. Closing it gives the connection back. */
public final class Response implements Closeable {
  /** Who takes a connection back. */
  interface Owner {
    /**
     * @param most how long it may be kept for another exchange; zero if it must not
     */
    void takeBack(Connection connection, Duration most);
  }

  /** How much of a body that nobody wanted is read, if it is here already. */
  private static final int CHEAP_TO_READ = 16 * 1024;

  private final Head head;
  private final Body body;
  private final Connection connection;
  private final Owner owner;
  private boolean closed;

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

  /** The body; empty if there is none. */
  public InputStream body() {
    return body;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      boolean fit = connection.isFit() && isRead();
      owner.takeBack(connection, fit ? head.keepFor() : Duration.ZERO);
    }
  }

  /** Whether the body is read to its end, or can be without waiting. */
  private boolean isRead() {
    try {
      byte[] rest = new byte[0];
      int read = 0;
      while (!body.isAtEnd() && read < CHEAP_TO_READ && connection.isReady()) {
        rest = rest.length == 0 ? new byte[CHEAP_TO_READ] : rest;
        read += Math.max(0, body.read(rest, 0, CHEAP_TO_READ - read));
      }
      return body.isAtEnd();
    } catch (IOException e) {
      // The answer was read as far as it mattered; the connection goes.
      return false;
    }
  }
}
