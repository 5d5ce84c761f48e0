package build.kiln.runtime.cri;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;

/**
 * A frame of HTTP/2 (RFC 9113, section 4).
 *
 * @param type one of the constants here, or any other, which is to be passed over
 * @param flags of the type
 * @param stream 0 for the connection
 */
record Frame(int type, int flags, int stream, ByteBuffer payload) {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PUSH_PROMISE = 5;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;

  static final int ACK = 1;
  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;
  static final int PADDED = 8;
  static final int PRIORITY = 32;

  /** The longest payload that may be sent unasked. */
  static final int MOST_BYTES = 1 << 14;

  private static final int HEADER = 9;
  private static final int PRIORITY_BYTES = 5;

  static Frame read(DataInputStream in) throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt() & Integer.MAX_VALUE;
    if (length > MOST_BYTES) {
      throw new ProtocolException("a frame of %d bytes is no frame of HTTP/2".formatted(length));
    }
    byte[] payload = new byte[length];
    in.readFully(payload);
    return new Frame(type, flags, stream, ByteBuffer.wrap(payload));
  }

  static Frame empty(int type, int flags) {
    return new Frame(type, flags, 0, ByteBuffer.allocate(0));
  }

  /** As it is sent. */
  byte[] bytes() {
    ByteBuffer whole = ByteBuffer.allocate(HEADER + payload.remaining());
    whole.put((byte) (payload.remaining() >> 16)).putShort((short) payload.remaining());
    whole.put((byte) type).put((byte) flags).putInt(stream).put(payload.duplicate());
    return whole.array();
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** What DATA and HEADERS hold, without padding and weights. */
  byte[] content() throws ProtocolException {
    ByteBuffer rest = payload.duplicate();
    int padding = 0;
    if (type != CONTINUATION && has(PADDED)) {
      need(rest, 1);
      padding = rest.get() & 0xFF;
    }
    if (type == HEADERS && has(PRIORITY)) {
      need(rest, PRIORITY_BYTES);
      rest.position(rest.position() + PRIORITY_BYTES);
    }
    need(rest, padding);
    byte[] content = new byte[rest.remaining() - padding];
    rest.get(content);
    return content;
  }

  /** A number of 31 bits in the payload. */
  int number(int at) throws ProtocolException {
    need(payload, at + Integer.BYTES);
    return payload.getInt(at) & Integer.MAX_VALUE;
  }

  private static void need(ByteBuffer buffer, int bytes) throws ProtocolException {
    if (buffer.remaining() < bytes) {
      throw new ProtocolException("a frame is too short");
    }
  }
}
