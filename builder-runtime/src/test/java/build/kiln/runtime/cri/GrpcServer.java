package build.kiln.runtime.cri;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.message.BasicHeader;
import org.apache.hc.core5.http2.H2Error;
import org.apache.hc.core5.http2.frame.DefaultFrameFactory;
import org.apache.hc.core5.http2.frame.FrameFactory;
import org.apache.hc.core5.http2.frame.RawFrame;
import org.apache.hc.core5.http2.hpack.HPackDecoder;
import org.apache.hc.core5.http2.hpack.HPackEncoder;
import org.apache.hc.core5.http2.impl.io.FrameOutputBuffer;
import org.apache.hc.core5.util.ByteArrayBuffer;

/** A server of gRPC on a Unix socket, that misbehaves when it is told to. */
final class GrpcServer implements AutoCloseable {
  private static final int FRAME = 16_384;
  private static final FrameFactory FRAMES = DefaultFrameFactory.INSTANCE;

  /** How the next calls are answered. */
  enum Manner {
    WELL,
    /** Frames that nobody asked for, padding, headers in parts, messages in many frames. */
    FUSSY,
    SILENT,
    CLOSES,
    RESETS,
    GOES_AWAY,
    NO_STATUS,
    NO_MESSAGE,
    CUT_MESSAGE,
    COMPRESSED,
    HTTP_ERROR,
    GARBAGE,
    /** Not protocol buffers. */
    NONSENSE,
    TOO_LARGE,
    HUGE_HEADERS,
    INTERRUPTED_HEADERS
  }

  /** An answer: a message, or an error. */
  record Answer(byte[] message, int status, String error) {
    static Answer of(FakeRuntime.Proto message) {
      return new Answer(message.bytes(), 0, "");
    }

    static Answer error(int status, String error) {
      return new Answer(new byte[0], status, error);
    }
  }

  /** What answers. */
  interface Handler {
    Answer answer(String method, byte[] request);
  }

  /** What went wrong on the server's side: a client must not make it. */
  final List<Throwable> failures = new CopyOnWriteArrayList<>();

  /** The headers of the last call. */
  volatile Map<String, String> headers = Map.of();

  volatile Manner manner = Manner.WELL;

  private final ServerSocketChannel server;
  private final Handler handler;
  private final List<SocketChannel> connections = new CopyOnWriteArrayList<>();

  GrpcServer(Path socket, Handler handler) throws IOException {
    this.handler = handler;
    this.server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofPlatform().daemon().name("fake-runtime").start(this::accept);
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel connection = server.accept();
        connections.add(connection);
        Thread.ofPlatform().daemon().name("fake-runtime").start(() -> serve(connection));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void serve(SocketChannel connection) {
    try (connection) {
      new Connection(connection).serve();
    } catch (IOException gone) {
      // the client's right
    } catch (HttpException | RuntimeException | AssertionError e) {
      failures.add(e);
    }
  }

  /** Closes all connections, and takes no others. */
  @Override
  public void close() throws IOException {
    server.close();
    for (SocketChannel connection : connections) {
      connection.close();
    }
  }

  private final class Connection {
    private final DataInputStream in;
    private final OutputStream out;
    private final FrameOutputBuffer output = new FrameOutputBuffer(FRAME);
    private final HPackDecoder decoder = new HPackDecoder(4096, StandardCharsets.US_ASCII);
    private final HPackEncoder encoder = new HPackEncoder(4096, StandardCharsets.US_ASCII);
    private final Map<Integer, String> methods = new HashMap<>();
    private int received;
    private long window = 65_535;

    Connection(SocketChannel channel) {
      this.in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(channel)));
      this.out = Channels.newOutputStream(channel);
    }

    void serve() throws IOException, HttpException {
      byte[] preface = in.readNBytes(24);
      if (!new String(preface, StandardCharsets.US_ASCII)
          .equals("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) {
        throw new AssertionError("no preface");
      }
      if (manner == Manner.GARBAGE) {
        out.write("HTTP/1.1 400 Bad Request\r\n\r\n".repeat(2000).getBytes(StandardCharsets.UTF_8));
        return;
      }
      write(FRAMES.createSettings());
      while (true) {
        receive(Frame.read(in));
      }
    }

    private void receive(Frame frame) throws IOException, HttpException {
      switch (frame.type()) {
        case Frame.SETTINGS -> {
          if (!frame.has(Frame.ACK)) {
            write(FRAMES.createSettingsAck());
          }
        }
        case Frame.WINDOW_UPDATE -> window += frame.stream() == 0 ? frame.number(0) : 0;
        case Frame.HEADERS -> {
          Map<String, String> all = new HashMap<>();
          for (Header header : decoder.decodeHeaders(ByteBuffer.wrap(frame.content()))) {
            all.put(header.getName(), header.getValue());
          }
          headers = all;
          methods.put(frame.stream(), all.getOrDefault(":path", ""));
        }
        case Frame.DATA -> {
          consumed(frame.payload().remaining());
          ByteBuffer content = ByteBuffer.wrap(frame.content());
          if (content.get() != 0 || content.getInt() != content.remaining()) {
            throw new AssertionError("no message");
          }
          byte[] request = new byte[content.remaining()];
          content.get(request);
          String method = methods.remove(frame.stream());
          answer(frame.stream(), handler.answer(String.valueOf(method), request));
        }
        default -> {}
      }
    }

    /** Opens the window again only when it is nearly shut. */
    private void consumed(int bytes) throws IOException {
      received += bytes;
      if (received > 65_535) {
        throw new AssertionError("the client sends more than it may");
      }
      if (received > 65_000) {
        write(FRAMES.createWindowUpdate(0, received));
        received = 0;
      }
    }

    private void answer(int stream, Answer answer) throws IOException {
      switch (manner) {
        case SILENT -> {}
        case CLOSES -> out.close();
        case RESETS -> write(FRAMES.createResetStream(stream, H2Error.INTERNAL_ERROR));
        case GOES_AWAY -> {
          write(FRAMES.createGoAway(0, H2Error.ENHANCE_YOUR_CALM, "too_many_pings"));
          out.close();
        }
        case HTTP_ERROR -> headers(stream, true, new BasicHeader(":status", "503"));
        case HUGE_HEADERS -> {
          List<Header> many = new ArrayList<>();
          for (int i = 0; i < 100; i++) {
            many.add(new BasicHeader("x-" + i, "x".repeat(1000)));
          }
          headers(stream, true, many.toArray(Header[]::new));
        }
        case INTERRUPTED_HEADERS -> {
          byte[] block = block(new BasicHeader(":status", "200"));
          write(FRAMES.createHeaders(stream, ByteBuffer.wrap(block), false, false));
          write(FRAMES.createPing(ByteBuffer.allocate(8)));
        }
        case WELL, FUSSY, NO_STATUS, NO_MESSAGE, CUT_MESSAGE, COMPRESSED, NONSENSE, TOO_LARGE ->
            answerWell(stream, answer);
        case GARBAGE -> throw new AssertionError("there is no connection");
      }
    }

    private void answerWell(int stream, Answer answer) throws IOException {
      if (answer.status != 0) {
        headers(
            stream,
            true,
            new BasicHeader(":status", "200"),
            new BasicHeader("content-type", "application/grpc"),
            new BasicHeader("grpc-status", String.valueOf(answer.status)),
            new BasicHeader("grpc-message", encoded(answer.error)));
        return;
      }
      if (manner == Manner.FUSSY) {
        write(FRAMES.createPing(ByteBuffer.wrap("knocking".getBytes(StandardCharsets.US_ASCII))));
        write(FRAMES.createSettings());
        write(new RawFrame(0x42, 0, 0, ByteBuffer.wrap(new byte[3])));
        headers(stream + 100, true, new BasicHeader("x-other", "remembered by the decoder"));
      }
      headers(
          stream,
          false,
          new BasicHeader(":status", "200"),
          new BasicHeader("content-type", "application/grpc"));
      data(stream, framed(answer.message));
      headers(
          stream,
          true,
          manner == Manner.NO_STATUS
              ? new BasicHeader("x-other", "remembered by the decoder")
              : new BasicHeader("grpc-status", "0"));
    }

    private byte[] framed(byte[] message) {
      byte[] sent =
          switch (manner) {
            case NONSENSE -> new byte[] {10, 100, 1};
            case TOO_LARGE -> new byte[GrpcChannel.MOST_BYTES + 1];
            default -> message;
          };
      if (manner == Manner.NO_MESSAGE) {
        return new byte[0];
      }
      byte[] framed =
          ByteBuffer.allocate(5 + sent.length)
              .put((byte) (manner == Manner.COMPRESSED ? 1 : 0))
              .putInt(sent.length)
              .put(sent)
              .array();
      return manner == Manner.CUT_MESSAGE ? Arrays.copyOf(framed, framed.length - 1) : framed;
    }

    private void data(int stream, byte[] all) throws IOException {
      int most = manner == Manner.FUSSY ? 7 : FRAME;
      for (int from = 0; from < all.length; from += most) {
        byte[] part = Arrays.copyOfRange(all, from, Math.min(all.length, from + most));
        if (manner == Manner.FUSSY) {
          ByteBuffer padded = ByteBuffer.allocate(part.length + 4).put((byte) 3).put(part);
          padded.position(0);
          spend(padded.remaining());
          out.write(new Frame(Frame.DATA, Frame.PADDED, stream, padded).bytes());
        } else {
          spend(part.length);
          write(FRAMES.createData(stream, ByteBuffer.wrap(part), false));
        }
      }
    }

    private void spend(int bytes) {
      window -= bytes;
      if (window < 0) {
        throw new AssertionError("the client did not open its window in time");
      }
    }

    private void headers(int stream, boolean ends, Header... all) throws IOException {
      byte[] block = block(all);
      int most = manner == Manner.FUSSY ? 3 : FRAME;
      int end = Math.min(most, block.length);
      boolean whole = end == block.length;
      write(FRAMES.createHeaders(stream, ByteBuffer.wrap(block, 0, end), whole, ends));
      for (int from = end; from < block.length; from = end) {
        end = Math.min(from + most, block.length);
        write(
            FRAMES.createContinuation(
                stream, ByteBuffer.wrap(block, from, end - from), end == block.length));
      }
    }

    private byte[] block(Header... all) throws IOException {
      ByteArrayBuffer block = new ByteArrayBuffer(256);
      for (Header header : all) {
        encoder.encodeHeader(block, header);
      }
      return block.toByteArray();
    }

    private void write(RawFrame frame) throws IOException {
      output.write(frame, out);
    }
  }

  /** As gRPC writes messages into headers. */
  private static String encoded(String text) {
    ByteArrayOutputStream encoded = new ByteArrayOutputStream();
    for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
      if (one >= ' ' && one < 127 && one != '%') {
        encoded.write(one);
      } else {
        encoded.writeBytes("%%%02X".formatted(one & 0xFF).getBytes(StandardCharsets.US_ASCII));
      }
    }
    return encoded.toString(StandardCharsets.US_ASCII);
  }
}
