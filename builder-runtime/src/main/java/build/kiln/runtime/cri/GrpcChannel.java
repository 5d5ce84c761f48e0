package build.kiln.runtime.cri;

import build.kiln.runtime.cri.CriException.Code;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http2.H2Error;
import org.apache.hc.core5.http2.hpack.HPackDecoder;
import org.apache.hc.core5.http2.hpack.HPackEncoder;
import org.apache.hc.core5.util.ByteArrayBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Unary calls of gRPC over one connection of HTTP/2 to a Unix socket, one after the other. A call
 * that fails other than by an answer leaves the connection unusable.
 *
 * <p>What keeps it small: requests fit into one frame, headers are sent as literals (so the peer's
 * table of headers matters to nobody), and the window of a stream is as large as the largest answer
 * that is read, so that only the connection's is ever opened again.
 */
final class GrpcChannel implements Closeable {
  /** What kubelet reads, too. */
  static final int MOST_BYTES = 16 << 20;

  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private static final short ENABLE_PUSH = 2;
  private static final short INITIAL_WINDOW_SIZE = 4;
  private static final int FIRST_WINDOW = 65_535;

  /** After so many bytes the peer is told that they were read. */
  private static final int TOLD = 1 << 20;

  private final Path socket;
  private final Duration timeout;
  private final UnixStream stream;
  private final DataInputStream in;
  private final OutputStream out;
  private final HPackEncoder encoder = new HPackEncoder(0, StandardCharsets.US_ASCII);
  private final HPackDecoder decoder = new HPackDecoder(4096, StandardCharsets.US_ASCII);

  private int nextStream = 1;
  private long window = FIRST_WINDOW;
  private int untold;
  private @Nullable IOException unwritable;

  private GrpcChannel(Path socket, Duration timeout, UnixStream stream) {
    this.socket = socket;
    this.timeout = timeout;
    this.stream = stream;
    this.in = new DataInputStream(new BufferedInputStream(stream.in(), 1 << 15));
    this.out = stream.out();
    decoder.setMaxListSize(GrpcReply.MOST_HEADERS);
  }

  /**
   * @param timeout of each call
   */
  static GrpcChannel open(Path socket, Duration timeout) throws CriException {
    try {
      GrpcChannel channel = new GrpcChannel(socket, timeout, UnixStream.connect(socket, timeout));
      channel.stream.within(timeout);
      channel.begin();
      return channel;
    } catch (IOException e) {
      throw new CriException(
          Code.UNREACHABLE,
          "tried to connect to the container runtime at %s but %s"
              .formatted(socket, whyUnreachable(socket, e)),
          e);
    }
  }

  private static String whyUnreachable(Path socket, IOException e) {
    String said = String.valueOf(e.getMessage());
    if (!Files.exists(socket)) {
      return "there is no such socket (%s): is it the path of this node's runtime, and mounted?"
          .formatted(said);
    }
    return said.contains("ermission")
        ? "this process may not (%s): the socket is root's".formatted(said)
        : "it cannot be reached (%s): does the runtime run?".formatted(said);
  }

  private void begin() throws IOException {
    write(PREFACE);
    ByteBuffer settings = ByteBuffer.allocate(2 * (Short.BYTES + Integer.BYTES));
    settings.putShort(ENABLE_PUSH).putInt(0);
    settings.putShort(INITIAL_WINDOW_SIZE);
    settings.putInt(MOST_BYTES + FIRST_WINDOW).flip();
    write(new Frame(Frame.SETTINGS, 0, 0, settings).bytes());
    write(opened(MOST_BYTES).bytes());
  }

  /** Lets the peer send so many bytes more. */
  private static Frame opened(int bytes) {
    return new Frame(Frame.WINDOW_UPDATE, 0, 0, ByteBuffer.allocate(4).putInt(bytes).flip());
  }

  /**
   * Calls a method.
   *
   * @param doing what the call is for, for messages
   * @param method such as {@code /runtime.v1.ImageService/ListImages}
   * @param request a message of protocol buffers
   * @return the answer's message
   */
  ByteBuffer call(String doing, String method, byte[] request) throws IOException {
    GrpcReply reply = new GrpcReply(nextStream);
    nextStream += 2;
    stream.within(timeout);
    try {
      send(reply, method, request);
      while (!reply.ended()) {
        receive(reply);
      }
      return reply.message();
    } catch (GrpcReply.Refusal e) {
      throw new CriException(
          e.notFound() ? Code.NOT_FOUND : Code.REFUSED,
          "tried to %s but the container runtime at %s refused: %s"
              .formatted(doing, socket, e.getMessage()),
          e);
    } catch (InterruptedIOException e) {
      throw e instanceof SocketTimeoutException
          ? failed(Code.TIMEOUT, doing, "did not answer within " + timeout.toSeconds() + "s", e)
          : e;
    } catch (ProtocolException | HttpException e) {
      throw failed(Code.INVALID, doing, "does not speak CRI as it should: " + e.getMessage(), e);
    } catch (IOException e) {
      throw failed(Code.UNREACHABLE, doing, "went away: " + e.getMessage(), e);
    }
  }

  private CriException failed(Code code, String doing, String what, Exception cause) {
    return new CriException(
        code,
        "tried to %s but the container runtime at %s %s".formatted(doing, socket, what),
        cause);
  }

  private void send(GrpcReply reply, String method, byte[] request)
      throws IOException, HttpException {
    ByteBuffer message = ByteBuffer.allocate(GrpcReply.PREFIX + request.length);
    message.put((byte) 0).putInt(request.length).put(request).flip();
    if (message.remaining() > Frame.MOST_BYTES) {
      throw new IllegalArgumentException("a request of " + request.length + " bytes");
    }
    ByteArrayBuffer headers = new ByteArrayBuffer(256);
    header(headers, ":method", "POST");
    header(headers, ":scheme", "http");
    header(headers, ":path", method);
    header(headers, ":authority", "localhost");
    header(headers, "content-type", "application/grpc");
    header(headers, "te", "trailers");
    header(headers, "user-agent", "kiln");
    header(headers, "grpc-timeout", timeout.toMillis() + "m");
    write(
        new Frame(
                Frame.HEADERS,
                Frame.END_HEADERS,
                reply.stream(),
                ByteBuffer.wrap(headers.array(), 0, headers.length()).slice())
            .bytes());
    int length = message.remaining();
    while (window < length && !reply.ended()) {
      receive(reply);
    }
    if (!reply.ended()) {
      window -= length;
      write(new Frame(Frame.DATA, Frame.END_STREAM, reply.stream(), message).bytes());
    }
  }

  private void header(ByteArrayBuffer to, String name, String value) throws IOException {
    encoder.encodeHeader(to, name, value, true);
  }

  /** A peer that takes no more may have said why: so what it sent is read to its end first. */
  private void write(byte[] bytes) throws InterruptedIOException {
    if (unwritable == null) {
      try {
        out.write(bytes);
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        unwritable = e;
      }
    }
  }

  private void receive(GrpcReply reply) throws IOException, HttpException {
    Frame frame = next();
    reply.orderly(frame);
    switch (frame.type()) {
      case Frame.DATA -> {
        reply.data(frame);
        untold += frame.payload().remaining();
        if (untold >= TOLD) {
          write(opened(untold).bytes());
          untold = 0;
        }
      }
      case Frame.HEADERS, Frame.CONTINUATION -> reply.headers(frame, decoder);
      case Frame.SETTINGS -> {
        if (!frame.has(Frame.ACK)) {
          write(Frame.empty(Frame.SETTINGS, Frame.ACK).bytes());
        }
      }
      case Frame.PING -> {
        if (!frame.has(Frame.ACK)) {
          write(new Frame(Frame.PING, Frame.ACK, 0, frame.payload()).bytes());
        }
      }
      case Frame.WINDOW_UPDATE -> {
        if (frame.stream() == 0) {
          window += frame.number(0);
        }
      }
      case Frame.RST_STREAM -> reply.reset(frame);
      case Frame.GOAWAY -> {
        if (frame.number(0) < reply.stream()) {
          throw new IOException("it ends the connection (%s)".formatted(error(frame.number(4))));
        }
      }
      case Frame.PUSH_PROMISE -> throw new ProtocolException("it promises what nobody asked for");
      default -> {} // what is not known is to be passed over
    }
  }

  private Frame next() throws IOException {
    try {
      return Frame.read(in);
    } catch (EOFException e) {
      throw unwritable == null
          ? new IOException("it ended the connection without a word", e)
          : unwritable;
    }
  }

  static String error(int code) {
    H2Error known = H2Error.getByCode(code);
    return known == null ? "error " + code : known.name();
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}
