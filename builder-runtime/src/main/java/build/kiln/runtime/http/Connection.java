package build.kiln.runtime.http;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** One connection, which carries one exchange at a time. */
final class Connection implements Closeable {
  /** An upload looks for an early answer this often; over TLS each look takes a millisecond. */
  private static final long LOOK_EVERY_PLAIN = 256 * 1024;

  private static final long LOOK_EVERY_TLS = 8L << 20;
  private static final int MOST_INFORMATION = 20;
  private static final int SWITCHING = 101;
  private static final int SUCCESS = 200;

  private final Route route;
  private final SocketChannel channel;
  private final boolean tls;
  private final WireInput in;
  private final OutputStream out;
  private int exchanges;
  private boolean answered;
  private boolean disturbed;
  private @Nullable Head early;

  private volatile @Nullable Sending underWay;

  /** In nanoseconds. */
  private volatile long longestWrite;

  private volatile boolean stuck;

  /**
   * @param socket what the channel's bytes go through: its own, or TLS over it
   */
  Connection(Route route, SocketChannel channel, Socket socket) throws IOException {
    this.route = route;
    this.channel = channel;
    this.tls = socket instanceof SSLSocket;
    this.in = new WireInput(socket);
    this.out = socket.getOutputStream();
  }

  /**
   * Ends a write that takes longer than it may, as writes have no timeout of their own: a server
   * that takes nothing would hold it for ever. What it has answered can be read all the same.
   */
  void endStuckWrite() {
    Sending sending = underWay;
    if (sending == null || !sending.isWritingFor(longestWrite)) {
      return;
    }
    stuck = true;
    try {
      channel.shutdownOutput();
    } catch (IOException e) {
      close();
    }
  }

  Route route() {
    return route;
  }

  /**
   * Sends a request and waits for the head of its answer.
   *
   * @param silence how long to wait for that after the request's last byte, and for the server to
   *     take what is written; if that is longer, as long as {@code idle}
   * @param idle how long its body may be silent
   */
  Response exchange(Request request, Duration silence, Duration idle, Response.Owner owner)
      throws IOException {
    exchanges++;
    answered = false;
    longestWrite = Math.max(silence.toNanos(), idle.toNanos());
    early = null;
    send(request, silence);
    Head head = early == null ? finalHead(in, silence) : early;
    answered = true;
    in.setTimeout(idle);
    return new Response(head, Body.of(request.method(), head, in), this, owner);
  }

  /** Whether an exchange failed as it does on a kept connection that the server has ended. */
  boolean wasEnded(IOException failure) {
    return exchanges > 1 && !answered && !(failure instanceof SocketTimeoutException);
  }

  private void send(Request request, Duration silence) throws IOException {
    var sending = new Sending(out, request.content() == null);
    underWay = sending;
    try {
      sending.head(request.head(route.tls() ? null : route.proxy()));
      if (request.content() != null) {
        long every = tls ? LOOK_EVERY_TLS : LOOK_EVERY_PLAIN;
        sending.body(request.content(), () -> isAnswered(silence), every);
      }
      sending.finish();
    } catch (Sending.Answered unfinished) {
      disturbed = true;
    } catch (IOException e) {
      // A server that refuses what is sent to it may answer and hang up at once.
      if (!sending.isBroken() || request.content() == null || !hasSaidMore()) {
        throw stuck ? new NotTaken(e) : e;
      }
      disturbed = true;
    } finally {
      underWay = null;
    }
  }

  /** Whether the answer is here before the end of what is sent; "go on" is none. */
  private boolean isAnswered(Duration silence) throws IOException {
    while (tls ? in.hasMore() : in.isReady()) {
      Head head = Head.parse(in.head(silence));
      if (isFinal(head)) {
        early = head;
        return true;
      }
    }
    return false;
  }

  private boolean hasSaidMore() {
    try {
      return in.hasMore();
    } catch (IOException ended) {
      return false;
    }
  }

  /** Whether it still stands and nothing came that nobody asked for; may take a millisecond. */
  boolean isQuiet() {
    try {
      return !in.hasMore();
    } catch (IOException ended) {
      return false;
    }
  }

  /** As {@link #isQuiet}, as far as can be seen at once. */
  boolean isQuietAtOnce() {
    try {
      return channel.isOpen() && !in.isReady();
    } catch (IOException ended) {
      return false;
    }
  }

  void setTimeout(Duration timeout) throws IOException {
    in.setTimeout(timeout);
  }

  /** Whether nothing that happened forbids another exchange, and nothing is left of this one. */
  boolean isFit() {
    return !disturbed && !stuck && channel.isOpen() && in.isEmpty();
  }

  /** The head of an answer, after those that only say that it will come (RFC 9110, 15.2). */
  static Head finalHead(WireInput in, Duration silence) throws IOException {
    for (int i = 0; i <= MOST_INFORMATION; i++) {
      Head head = Head.parse(in.head(silence));
      if (isFinal(head)) {
        return head;
      }
    }
    throw new ProtocolException("it does not come to an answer");
  }

  private static boolean isFinal(Head head) throws ProtocolException {
    if (head.status() == SWITCHING) {
      throw new ProtocolException("it wants to speak another protocol");
    }
    return head.status() >= SUCCESS;
  }

  /** Without TLS's farewell, which could wait for a peer that does not read. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use any more, and nothing is lost with it.
    }
  }
}
