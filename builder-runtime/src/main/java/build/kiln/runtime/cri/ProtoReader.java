package build.kiln.runtime.cri;

import java.net.ProtocolException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads a message of protocol buffers field by field, in the order in which they come. Fields that
 * nobody asks about are passed over.
 */
final class ProtoReader {
  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED_32 = 5;

  private final ByteBuffer in;
  private int field;
  private int type;
  private long number;
  private ByteBuffer content;

  ProtoReader(ByteBuffer in) {
    this.in = in;
    this.content = in;
  }

  /**
   * Goes to the next field.
   *
   * @return false at the end
   */
  boolean next() throws ProtocolException {
    if (!in.hasRemaining()) {
      return false;
    }
    try {
      long tag = varint();
      field = (int) (tag >>> 3);
      type = (int) (tag & 7);
      switch (type) {
        case VARINT -> number = varint();
        case FIXED_64 -> number = in.getLong();
        case FIXED_32 -> number = in.getInt();
        case LENGTH -> content = slice(varint());
        default -> throw new ProtocolException("a field has the unknown wire type " + type);
      }
    } catch (BufferUnderflowException e) {
      throw corrupt("the message ends inside a field", e);
    }
    if (field == 0) {
      throw new ProtocolException("a field has no number");
    }
    return true;
  }

  /** The number of the field. */
  int field() {
    return field;
  }

  String text() throws ProtocolException {
    return StandardCharsets.UTF_8.decode(content().duplicate()).toString();
  }

  long number() throws ProtocolException {
    if (type != VARINT) {
      throw new ProtocolException("field " + field + " is no number");
    }
    return number;
  }

  boolean flag() throws ProtocolException {
    return number() != 0;
  }

  ProtoReader message() throws ProtocolException {
    return new ProtoReader(content().duplicate());
  }

  private ByteBuffer content() throws ProtocolException {
    if (type != LENGTH) {
      throw new ProtocolException("field " + field + " is neither a text nor a message");
    }
    return content;
  }

  private ByteBuffer slice(long length) {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer slice = in.slice(in.position(), (int) length);
    in.position(in.position() + (int) length);
    return slice;
  }

  private long varint() throws ProtocolException {
    long value = 0;
    for (int shift = 0; shift < Long.SIZE; shift += 7) {
      byte next = in.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new ProtocolException("a number has more than ten bytes");
  }

  private static ProtocolException corrupt(String message, Exception cause) {
    ProtocolException corrupt = new ProtocolException(message);
    corrupt.initCause(cause);
    return corrupt;
  }
}
