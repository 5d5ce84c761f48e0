package build.kiln.runtime.http;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Connections that are used again. As many are open as there are exchanges at once: to limit those
 * is the caller's. Thread-safe.
 */
public final class ConnectionPool implements AutoCloseable {
  /** Unused for longer than this, a connection is looked at before it is used. */
  private static final Duration SURE = Duration.ofSeconds(2);

  /** In the time that a server has at least to take what is sent to it, it is looked so often. */
  private static final int LOOKS = 4;

  /**
   * A connection without anything to do.
   *
   * @param since as of {@link System#nanoTime}
   * @param most how long it may be so
   */
  private record Kept(Connection connection, long since, Duration most) {
    Duration unused(long now) {
      return Duration.ofNanos(now - since);
    }

    boolean isOver(long now) {
      return unused(now).compareTo(most) >= 0;
    }

    boolean stands(long now) {
      return !isOver(now)
          && (unused(now).compareTo(SURE) < 0 ? connection.isQuietAtOnce() : connection.isQuiet());
    }
  }

  private final Dialer dialer;
  private final Duration idle;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Route, ArrayDeque<Kept>> kept = new HashMap<>();
  private final Set<Connection> open = new HashSet<>();
  private @Nullable Thread watch;
  private boolean closed;

  /**
   * @param idle how long a server may be silent in the middle of a body
   */
  public ConnectionPool(Dialer dialer, Duration idle) {
    this(dialer, idle, System::nanoTime);
  }

  /**
   * @param nanoTime as {@link System#nanoTime}
   */
  ConnectionPool(Dialer dialer, Duration idle, LongSupplier nanoTime) {
    this.dialer = dialer;
    this.idle = idle;
    this.nanoTime = nanoTime;
  }

  /**
   * Sends a request, and returns as soon as the head of its answer is here. A GET or HEAD that
   * meets a kept connection which the server has ended meanwhile is sent once more, over a new one.
   *
   * @param silence how long to wait for the answer after the request's last byte, and for the
   *     server to take the next of the request; if that is longer, as long as in the middle of a
   *     body
   * @throws java.net.SocketTimeoutException if it does not come
   * @throws NotTaken if the server took no more of the request
   * @throws IOException if there is no connection, or it fails, as it does if the thread is
   *     interrupted
   */
  public Response exchange(Route route, Request request, Duration silence) throws IOException {
    Connection used = take(route);
    if (used != null) {
      try {
        return exchange(used, request, silence);
      } catch (IOException e) {
        boolean again = used.wasEnded(e) && request.isRepeatable();
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
      if (request.content() != null) {
        watchWrites();
      }
      Response response = connection.exchange(request, silence, idle, this::takeBack);
      done = true;
      return response;
    } finally {
      if (!done) {
        drop(connection);
      }
    }
  }

  private void watchWrites() {
    lock.lock();
    try {
      if (watch == null && !closed) {
        watch = Thread.ofPlatform().daemon().name("kiln-writes").start(this::endStuckWrites);
      }
    } finally {
      lock.unlock();
    }
  }

  private void endStuckWrites() {
    try {
      while (true) {
        Thread.sleep(idle.dividedBy(LOOKS));
        lock.lock();
        try {
          open.forEach(Connection::endStuckWrite);
        } finally {
          lock.unlock();
        }
      }
    } catch (InterruptedException e) {
      // All are closed.
    }
  }

  /** The one that was used last and still stands. */
  private @Nullable Connection take(Route route) {
    for (Kept next = poll(route); next != null; next = poll(route)) {
      if (next.stands(nanoTime.getAsLong())) {
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
    if (!most.isPositive() || !keep(new Kept(connection, nanoTime.getAsLong(), most))) {
      drop(connection);
    }
  }

  /** False if all are closed. Those that were kept long enough go. */
  private boolean keep(Kept back) {
    List<Connection> over = new ArrayList<>();
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      for (ArrayDeque<Kept> ofRoute : kept.values()) {
        while (!ofRoute.isEmpty() && ofRoute.peekFirst().isOver(back.since())) {
          over.add(ofRoute.removeFirst().connection());
        }
      }
      kept.computeIfAbsent(back.connection().route(), route -> new ArrayDeque<>()).addLast(back);
    } finally {
      lock.unlock();
    }
    over.forEach(this::drop);
    return true;
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
      if (watch != null) {
        watch.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }
}
