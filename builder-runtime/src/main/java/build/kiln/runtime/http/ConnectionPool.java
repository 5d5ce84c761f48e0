package build.kiln.runtime.http;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Connections that are used again. As many are open as there are exchanges at once: to limit those
 * is the caller's. Thread-safe.
 */
public final class ConnectionPool implements AutoCloseable {
  /** Unused for longer than this, a connection is looked at before it is used. */
  private static final Duration SURE = Duration.ofSeconds(2);

  /**
   * A connection without anything to do.
   *
   * @param since as of {@link System#nanoTime}
   * @param most how long it may be so
   */
  private record Kept(Connection connection, long since, Duration most) {
    boolean stands() {
      Duration unused = Duration.ofNanos(System.nanoTime() - since);
      try {
        return unused.compareTo(most) < 0 && (unused.compareTo(SURE) < 0 || !connection.hasNews());
      } catch (IOException e) {
        return false;
      }
    }
  }

  private final Dialer dialer;
  private final Duration idle;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Route, ArrayDeque<Kept>> kept = new HashMap<>();
  private final Set<Connection> open = new HashSet<>();
  private boolean closed;

  /**
   * @param idle how long a server may be silent in the middle of a body
   */
  public ConnectionPool(Dialer dialer, Duration idle) {
    this.dialer = dialer;
    this.idle = idle;
  }

  /**
   * Sends a request, and returns as soon as the head of its answer is here. A GET or HEAD that
   * meets a kept connection which the server has ended meanwhile is sent once more, over a new one.
   *
   * @param silence how long to wait for the answer after the request's last byte
   * @throws java.net.SocketTimeoutException if it does not come
   * @throws java.nio.channels.ClosedByInterruptException if the thread is interrupted
   * @throws IOException if there is no connection, or it fails
   */
  public Response exchange(Route route, Request request, Duration silence) throws IOException {
    Connection used = take(route);
    if (used != null) {
      try {
        return exchange(used, request, silence);
      } catch (IOException e) {
        boolean again = used.wasEnded(e) && request.isRead();
        if (!again || Thread.currentThread().isInterrupted()) {
          throw e;
        }
      }
    }
    return exchange(opened(route), request, silence);
  }

  private Response exchange(Connection connection, Request request, Duration silence)
      throws IOException {
    boolean done = false;
    try {
      Response response = connection.exchange(request, silence, idle, this::takeBack);
      done = true;
      return response;
    } finally {
      if (!done) {
        drop(connection);
      }
    }
  }

  /** The one that was used last and still stands. */
  private @Nullable Connection take(Route route) {
    for (Kept next = poll(route); next != null; next = poll(route)) {
      if (next.stands()) {
        return next.connection();
      }
      drop(next.connection());
    }
    return null;
  }

  private @Nullable Kept poll(Route route) {
    lock.lock();
    try {
      ArrayDeque<Kept> ofRoute = kept.get(route);
      return ofRoute == null ? null : ofRoute.pollLast();
    } finally {
      lock.unlock();
    }
  }

  private Connection opened(Route route) throws IOException {
    Connection connection = dialer.dial(route);
    lock.lock();
    try {
      if (!closed) {
        open.add(connection);
        return connection;
      }
    } finally {
      lock.unlock();
    }
    connection.close();
    throw new IOException("all connections were closed");
  }

  private void takeBack(Connection connection, Duration most) {
    if (most.isPositive()) {
      lock.lock();
      try {
        if (!closed) {
          kept.computeIfAbsent(connection.route(), route -> new ArrayDeque<>())
              .addLast(new Kept(connection, System.nanoTime(), most));
          return;
        }
      } finally {
        lock.unlock();
      }
    }
    drop(connection);
  }

  private void drop(Connection connection) {
    lock.lock();
    try {
      open.remove(connection);
    } finally {
      lock.unlock();
    }
    connection.close();
  }

  /** Closes all connections; exchanges under way fail. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      kept.clear();
      open.forEach(Connection::close);
      open.clear();
    } finally {
      lock.unlock();
    }
  }
}
