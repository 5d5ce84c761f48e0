package build.kiln.runtime.layer;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * Gzip (RFC 1952) inflated by Intel's ISA-L, several members one after the other as one stream;
 * twice as fast as zlib. Checksums and lengths are verified. For one thread at a time.
 *
 * <p>The fields of its {@code struct inflate_state} are laid out as in the version of the library
 * that {@link IsaL} brings along, which is why none of the machine's own is used.
 */
final class FastInflate extends BulkInputStream {
  private static final int BUFFER = 128 * 1024;

  /** The struct has some 87 KiB. */
  private static final int STATE = 128 * 1024;

  private static final int NEXT_OUT = 0;
  private static final int AVAILABLE_OUT = 8;
  private static final int NEXT_IN = 16;
  private static final int AVAILABLE_IN = 32;

  /**
   * After the tables: 4 x 4,096 and 2 x 1,264 bytes for literals, 2 x 1,024 and 2 x 80 for
   * distances.
   */
  private static final int BLOCK_STATE = 40 + 16_384 + 2_528 + 2_048 + 160;

  private static final int CHECK = BLOCK_STATE + 12;

  /** {@code ISAL_BLOCK_FINISH}: the member has ended, its checksum is right. */
  private static final int FINISHED = 5;

  /** {@code ISAL_GZIP_NO_HDR_VER}: a checksum and a length follow the data, and are compared. */
  private static final int TRAILER = 6;

  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;
  private static final int RESERVED = 0xe0;

  private final InputStream in;
  private final IsaL library = IsaL.get();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment state = arena.allocate(STATE, 64);
  private final NativeFields fields = new NativeFields(state);
  private final MemorySegment input = arena.allocate(BUFFER, 64);
  private final MemorySegment output = arena.allocate(BUFFER, 64);
  private final byte[] read = new byte[BUFFER];
  private int position;
  private int limit;
  private int inputPosition;
  private int inputLimit;
  private boolean inMember;
  private boolean ended;
  private @Nullable IOException failure;
  private boolean closed;

  /**
   * @throws IllegalStateException if {@link #isAvailable()} says no
   */
  FastInflate(InputStream in) {
    this.in = in;
  }

  /** Whether this machine can load the library. */
  static boolean isAvailable() {
    return IsaL.find().isPresent();
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (closed) {
      throw new IOException("the stream is closed");
    }
    if (length == 0) {
      return 0;
    }
    while (position == limit) {
      if (failure != null) {
        throw failure;
      }
      if (ended) {
        return -1;
      }
      try {
        inflate();
      } catch (IOException e) {
        // The library would go on as if nothing had happened.
        failure = e;
        throw e;
      }
    }
    int n = Math.min(length, limit - position);
    MemorySegment.copy(output, ValueLayout.JAVA_BYTE, position, target, offset, n);
    position += n;
    return n;
  }

  private void inflate() throws IOException {
    if (!inMember) {
      ended = inputPosition == inputLimit && !refill();
      if (ended) {
        return;
      }
      new Header().read();
      library.initInflate(state);
      fields.put(CHECK, TRAILER);
      inMember = true;
    }
    fields.put(NEXT_IN, input.asSlice(inputPosition));
    fields.put(AVAILABLE_IN, inputLimit - inputPosition);
    fields.put(NEXT_OUT, output);
    fields.put(AVAILABLE_OUT, BUFFER);
    int result = library.inflate(state);
    if (result < 0) {
      throw new ZipException("invalid gzip data (" + reason(result) + ")");
    }
    int before = inputPosition;
    inputPosition = inputLimit - fields.get(AVAILABLE_IN);
    position = 0;
    limit = BUFFER - fields.get(AVAILABLE_OUT);
    inMember = fields.get(BLOCK_STATE) != FINISHED;
    if (inMember && limit == 0 && inputPosition == before && before < inputLimit) {
      throw new ZipException("invalid gzip data (it leads nowhere)");
    }
    if (inMember && inputPosition == inputLimit && limit < BUFFER && !refill()) {
      throw cutOff();
    }
  }

  private static EOFException cutOff() {
    return new EOFException("unexpected end of the gzip data");
  }

  /** Replaces the input by what comes next; false at the stream's end. */
  private boolean refill() throws IOException {
    int n = in.read(read, 0, BUFFER);
    if (n < 0) {
      return false;
    }
    MemorySegment.copy(read, 0, input, ValueLayout.JAVA_BYTE, 0, n);
    inputPosition = 0;
    inputLimit = n;
    return true;
  }

  /**
   * What a member begins with (RFC 1952, 2.3). The library's own reader forgets half a header when
   * the input ends in it.
   */
  private final class Header {
    private final CRC32 crc = new CRC32();

    void read() throws IOException {
      if (next() != 0x1f || next() != 0x8b) {
        throw new ZipException("invalid gzip data (no header where a member should begin)");
      }
      int method = next();
      int flags = next();
      if (method != 8 || (flags & RESERVED) != 0) {
        throw new ZipException("invalid gzip data (method %d, flags %d)".formatted(method, flags));
      }
      skip(6);
      if ((flags & EXTRA) != 0) {
        skip(next() | next() << 8);
      }
      skipText((flags & NAME) != 0);
      skipText((flags & COMMENT) != 0);
      int sum = (int) crc.getValue() & 0xffff;
      if ((flags & HEADER_CRC) != 0 && (next() | next() << 8) != sum) {
        throw new ZipException("invalid gzip data (the header's checksum does not match)");
      }
    }

    private int next() throws IOException {
      if (inputPosition == inputLimit && !refill()) {
        throw cutOff();
      }
      int b = input.get(ValueLayout.JAVA_BYTE, inputPosition++) & 0xff;
      crc.update(b);
      return b;
    }

    private void skip(int count) throws IOException {
      for (int i = 0; i < count; i++) {
        next();
      }
    }

    private void skipText(boolean present) throws IOException {
      while (present && next() != 0) {
        continue;
      }
    }
  }

  private static String reason(int result) {
    return switch (result) {
      case -1 -> "no such type of block";
      case -2 -> "no such symbol";
      case -3 -> "a distance too far back";
      case -6 -> "the checksum does not match";
      default -> "code " + result;
    };
  }

  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      arena.close();
      in.close();
    }
  }
}
