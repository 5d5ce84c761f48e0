package build.kiln.runtime.cri;

import build.kiln.runtime.cri.CriException.Code;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
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
import org.apache.hc.core5.http2.config.H2Param;
import org.apache.hc.core5.http2.config.H2Setting;
import org.apache.hc.core5.http2.frame.DefaultFrameFactory;
import org.apache.hc.core5.http2.frame.FrameConsts;
import org.apache.hc.core5.http2.frame.FrameFactory;
import org.apache.hc.core5.http2.frame.FrameFlag;
import org.apache.hc.core5.http2.frame.FrameType;
import org.apache.hc.core5.http2.frame.RawFrame;
import org.apache.hc.core5.http2.hpack.HPackDecoder;
import org.apache.hc.core5.http2.hpack.HPackEncoder;
import org.apache.hc.core5.http2.impl.io.FrameInputBuffer;
import org.apache.hc.core5.http2.impl.io.FrameOutputBuffer;
import org.apache.hc.core5.util.ByteArrayBuffer;

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

  private static final FrameFactory FRAMES = DefaultFrameFactory.INSTANCE;
  private static final int FIRST_WINDOW = 65_535;

  private final Path socket;
  private final Duration timeout;
  private final UnixStream stream;
  private final InputStream in;
  private final OutputStream out;
  private final FrameInputBuffer input = new FrameInputBuffer(FrameConsts.MIN_FRAME_SIZE);
  private final FrameOutputBuffer output = new FrameOutputBuffer(FrameConsts.MIN_FRAME_SIZE);
  private final HPackEncoder encoder = new HPackEncoder(0, StandardCharsets.US_ASCII);
  private final HPackDecoder decoder = new HPackDecoder(4096, StandardCharsets.US_ASCII);

  private int nextStream = 1;
  private long window = FIRST_WINDOW;

  private GrpcChannel(Path socket, Duration timeout, UnixStream stream) {
    this.socket = socket;
    this.timeout = timeout;
    this.stream = stream;
    this.in = stream.in();
    this.out = stream.out();
    decoder.setMaxListSize(GrpcReply.MOST_HEADERS);
  }

  /**
   * @param timeout of each call
   */
  static GrpcChannel open(Path socket, Duration timeout) throws CriException {
    try {
      GrpcChannel channel = new GrpcChannel(socket, timeout, UnixStream.connect(socket));
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
    out.write(PREFACE);
    write(
        FRAMES.createSettings(
            new H2Setting(H2Param.ENABLE_PUSH, 0),
            new H2Setting(H2Param.INITIAL_WINDOW_SIZE, MOST_BYTES + FIRST_WINDOW)));
    write(FRAMES.createWindowUpdate(0, MOST_BYTES));
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
    if (message.remaining() > FrameConsts.MIN_FRAME_SIZE) {
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
        FRAMES.createHeaders(
            reply.stream(), ByteBuffer.wrap(headers.array(), 0, headers.length()), true, false));
    int length = message.remaining();
    while (window < length && !reply.ended()) {
      receive(reply);
    }
    if (!reply.ended()) {
      window -= length;
      write(FRAMES.createData(reply.stream(), message, true));
    }
  }

  private void header(ByteArrayBuffer to, String name, String value) throws IOException {
    encoder.encodeHeader(to, name, value, true);
  }

  private void write(RawFrame frame) throws IOException {
    output.write(frame, out);
  }

  private void receive(GrpcReply reply) throws IOException, HttpException {
    RawFrame frame = input.read(in);
    FrameType type = FrameType.valueOf(frame.getType());
    if (type == null) {
      return;
    }
    reply.orderly(type, frame);
    switch (type) {
      case DATA -> {
        reply.data(frame);
        if (frame.getLength() > 0) {
          write(FRAMES.createWindowUpdate(0, frame.getLength()));
        }
      }
      case HEADERS, CONTINUATION -> reply.headers(frame, decoder);
      case SETTINGS -> {
        if (!frame.isFlagSet(FrameFlag.ACK)) {
          write(FRAMES.createSettingsAck());
        }
      }
      case PING -> {
        if (!frame.isFlagSet(FrameFlag.ACK)) {
          write(FRAMES.createPingAck(payload(frame)));
        }
      }
      case WINDOW_UPDATE -> {
        if (frame.getStreamId() == 0) {
          window += number(frame, 0);
        }
      }
      case RST_STREAM -> reply.reset(frame.getStreamId(), number(frame, 0));
      case GOAWAY -> {
        if (number(frame, 0) < reply.stream()) {
          throw new IOException("it ends the connection (%s)".formatted(error(number(frame, 4))));
        }
      }
      case PUSH_PROMISE -> throw new ProtocolException("it promises what nobody asked for");
      case PRIORITY -> {}
    }
  }

  static ByteBuffer payload(RawFrame frame) {
    ByteBuffer payload = frame.getPayload();
    return payload == null ? ByteBuffer.allocate(0) : payload.duplicate();
  }

  /** A number of 31 bits in a frame. */
  private static int number(RawFrame frame, int at) throws ProtocolException {
    ByteBuffer payload = payload(frame);
    if (payload.remaining() < at + Integer.BYTES) {
      throw new ProtocolException("a frame is too short");
    }
    return payload.getInt(payload.position() + at) & Integer.MAX_VALUE;
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
