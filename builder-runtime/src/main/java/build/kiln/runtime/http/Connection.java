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

/** One connection, which carries one exchange at a time. */
final class Connection implements Closeable {
  /** An upload looks for an early answer this often; over TLS each look takes a millisecond. */
  private static final long LOOK_EVERY_PLAIN = 256 * 1024;

  private static final long LOOK_EVERY_TLS = 8L << 20;
  private static final int MOST_INFORMATION = 20;

  private final Route route;
  private final SocketChannel channel;
  private final Socket socket;
  private final WireInput in;
  private final OutputStream out;
  private int exchanges;
  private boolean answered;
  private boolean disturbed;

  /**
   * @param socket what the channel's bytes go through: its own, or TLS over it
   */
  Connection(Route route, SocketChannel channel, Socket socket) throws IOException {
    this.route = route;
    this.channel = channel;
    this.socket = socket;
    this.in = new WireInput(socket.getInputStream());
    this.out = socket.getOutputStream();
  }

  Route route() {
    return route;
  }

  /**
   * Sends a request and waits for the head of its answer.
   *
   * @param silence how long to wait for that after the request's last byte
   * @param idle how long its body may be silent
   */
  Response exchange(Request request, Duration silence, Duration idle, Response.Owner owner)
      throws IOException {
    exchanges++;
    answered = false;
    setTimeout(socket, silence);
    send(request);
    Head head = finalHead(in);
    answered = true;
    setTimeout(socket, idle);
    return new Response(head, Body.of(request.method(), head, in), this, owner);
  }

  /** Whether an exchange failed as it does on a kept connection that the server has ended. */
  boolean wasEnded(IOException failure) {
    return exchanges > 1 && !answered && !(failure instanceof SocketTimeoutException);
  }

  private void send(Request request) throws IOException {
    var sending = new Sending(out, request.head(route.tls() ? null : route.proxy()));
    try {
      if (request.content() != null) {
        long every = isTls() ? LOOK_EVERY_TLS : LOOK_EVERY_PLAIN;
        sending.body(request.content(), this::isAnswered, every);
      }
      sending.finish();
    } catch (Sending.Answered early) {
      disturbed = true;
    } catch (IOException e) {
      // A server that refuses what is sent to it may answer and hang up at once.
      if (!sending.isBroken() || request.content() == null || !isReady()) {
        throw e;
      }
      disturbed = true;
    }
  }

  private boolean isTls() {
    return socket instanceof SSLSocket;
  }

  private boolean isAnswered() throws IOException {
    return isTls() ? hasNews() : in.isReady();
  }

  /**
   * Whether something came that was not asked for, or the server has ended it. What TLS has is seen
   * only by reading, which may take a millisecond.
   */
  boolean hasNews() throws IOException {
    int before = socket.getSoTimeout();
    socket.setSoTimeout(1);
    try {
      return in.hasNews();
    } finally {
      socket.setSoTimeout(before);
    }
  }

  /** Whether there is something to read without waiting. */
  boolean isReady() {
    try {
      return in.isReady();
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether nothing that happened forbids another exchange. */
  boolean isFit() {
    return !disturbed && channel.isOpen();
  }

  /** The head of an answer, after those that only say that it will come (RFC 9110, 15.2). */
  static Head finalHead(WireInput in) throws IOException {
    for (int i = 0; i <= MOST_INFORMATION; i++) {
      Head head = Head.parse(in.head());
      if (head.status() >= 200) {
        return head;
      }
      if (head.status() == 101) {
        throw new ProtocolException("it wants to speak another protocol");
      }
    }
    throw new ProtocolException("it does not come to an answer");
  }

  static void setTimeout(Socket socket, Duration timeout) throws IOException {
    socket.setSoTimeout((int) Math.clamp(timeout.toMillis(), 1, Integer.MAX_VALUE));
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
