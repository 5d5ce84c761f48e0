package build.kiln.runtime.cri;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http2.hpack.HPackDecoder;
import org.jspecify.annotations.Nullable;

/** What comes back on the stream of one call. */
final class GrpcReply {
  /** Before a message: whether it is compressed, and its length. */
  static final int PREFIX = 5;

  /** Of all headers together, in bytes. */
  static final int MOST_HEADERS = 64 << 10;

  private static final int NOT_FOUND = 5;
  private static final int UNIMPLEMENTED = 12;

  private final int stream;
  private final Map<String, String> headers = new HashMap<>();
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private @Nullable ByteArrayOutputStream block;
  private int blockStream;
  private boolean blockEnds;
  private boolean ended;

  GrpcReply(int stream) {
    this.stream = stream;
  }

  int stream() {
    return stream;
  }

  boolean ended() {
    return ended;
  }

  /** An answer that is an error. */
  static final class Refusal extends IOException {
    private final int status;

    Refusal(int status, String message) {
      super(message);
      this.status = status;
    }

    boolean notFound() {
      return status == NOT_FOUND;
    }
  }

  /** Nothing may come between the parts of a block of headers. */
  void orderly(Frame frame) throws ProtocolException {
    boolean goesOn = frame.type() == Frame.CONTINUATION;
    if (block == null ? goesOn : !goesOn || frame.stream() != blockStream) {
      throw new ProtocolException("a block of headers is interrupted");
    }
  }

  void data(Frame frame) throws ProtocolException {
    if (frame.stream() != stream) {
      return;
    }
    byte[] content = frame.content();
    if (body.size() + content.length > PREFIX + GrpcChannel.MOST_BYTES) {
      throw new ProtocolException(
          "its answer is larger than %d MiB".formatted(GrpcChannel.MOST_BYTES >> 20));
    }
    body.writeBytes(content);
    ended = frame.has(Frame.END_STREAM);
  }

  /** Every block is decoded, whoever's it is: the decoder remembers. */
  void headers(Frame frame, HPackDecoder decoder) throws HttpException, IOException {
    ByteArrayOutputStream all = block;
    if (all == null) {
      all = new ByteArrayOutputStream();
      blockStream = frame.stream();
      blockEnds = frame.has(Frame.END_STREAM);
    }
    all.writeBytes(frame.content());
    if (all.size() > MOST_HEADERS) {
      throw new ProtocolException("its headers are larger than " + MOST_HEADERS + " bytes");
    }
    block = all;
    if (frame.has(Frame.END_HEADERS)) {
      block = null;
      for (Header header : decoder.decodeHeaders(ByteBuffer.wrap(all.toByteArray()))) {
        if (blockStream == stream) {
          headers.put(header.getName(), String.valueOf(header.getValue()));
        }
      }
      ended |= blockStream == stream && blockEnds;
    }
  }

  void reset(Frame frame) throws IOException {
    if (frame.stream() == stream) {
      throw new IOException(
          "it gives the call up (%s)".formatted(GrpcChannel.error(frame.number(0))));
    }
  }

  /**
   * The message of the answer, once it has ended.
   *
   * @throws Refusal if it is an error
   * @throws ProtocolException if it is no answer of gRPC
   */
  ByteBuffer message() throws IOException {
    String http = headers.getOrDefault(":status", "none");
    String type = headers.getOrDefault("content-type", "");
    if (!http.equals("200") || !type.startsWith("application/grpc")) {
      throw new ProtocolException(
          "it answers with the HTTP status %s and the type \"%s\"".formatted(http, type));
    }
    int status = status();
    if (status != 0) {
      throw new Refusal(status, refusal(status));
    }
    ByteBuffer content = ByteBuffer.wrap(body.toByteArray());
    if (content.remaining() < PREFIX) {
      throw new ProtocolException("its answer has no message");
    }
    if (content.get() != 0) {
      throw new ProtocolException("its answer is compressed");
    }
    int length = content.getInt();
    if (length != content.remaining()) {
      throw new ProtocolException(
          "its answer says that it has %d bytes, and has %d"
              .formatted(length, content.remaining()));
    }
    return content.slice();
  }

  private int status() throws ProtocolException {
    String status = headers.getOrDefault("grpc-status", "");
    if (!status.matches("[0-9]{1,4}")) {
      throw new ProtocolException(
          "its answer has %s status".formatted(status.isEmpty() ? "no" : "an unknown"));
    }
    return Integer.parseInt(status);
  }

  private String refusal(int status) {
    String said = text(headers.getOrDefault("grpc-message", ""));
    return status == UNIMPLEMENTED
        ? "%s (status 12). It must speak runtime.v1 of CRI: containerd 1.6, CRI-O 1.23 or later"
            .formatted(said)
        : "%s (status %d)".formatted(said, status);
  }

  /** gRPC writes bytes that are not printable ASCII as a URL does. */
  private static String text(String encoded) {
    try {
      return URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return encoded;
    }
  }
}
