package build.kiln.runtime.layer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Gzip (RFC 1952) as one member: each block is deflated by itself and ends with an empty stored
 * block, which brings it to a whole byte (RFC 1951, 3.2.4), so that the blocks one after the other
 * are one deflate stream. The header is fixed: no time, no name, system unknown. One member, since
 * some readers stop after the first.
 *
 * <p>Equal bytes on two machines need the same deflate. A level asks for zlib, which the JDK brings
 * along; without one it is {@link FastDeflate} where that can be loaded, else zlib at a level of
 * about the same size.
 *
 * @param level 1 to 9, or 0 for what is fast
 */
record GzipBlocks(int level) implements BlockCodec {
  private static final int BLOCK_SIZE = 1024 * 1024;
  private static final byte[] HEADER = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};

  @Override
  public int blockSize() {
    return BLOCK_SIZE;
  }

  @Override
  public byte[] header() {
    return HEADER.clone();
  }

  @Override
  public byte[] trailer(CRC32 crc, long size) {
    // A last, empty block with fixed codes ends the deflate stream.
    return ByteBuffer.allocate(10)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 3)
        .put((byte) 0)
        .putInt((int) crc.getValue())
        .putInt((int) size)
        .array();
  }

  @Override
  public boolean needsCrc() {
    return true;
  }

  /** The most bytes that a block of this length can become. */
  static int bound(int length) {
    // Stored blocks cost 5 bytes for every 16 KiB or less; the flush, and one byte to spare.
    return length + (length >> 10) + 64;
  }

  @Override
  public Encoder newEncoder(int most) {
    if (level > 0) {
      return new DeflaterEncoder(level);
    }
    return FastDeflate.isAvailable() ? new FastDeflate(most) : new DeflaterEncoder(1);
  }

  private static final class DeflaterEncoder implements Encoder {
    private final Deflater deflater;

    DeflaterEncoder(int level) {
      deflater = new Deflater(level, true);
    }

    @Override
    public int encode(byte[] in, int length, byte[] out) {
      deflater.reset();
      deflater.setInput(in, 0, length);
      int total = 0;
      while (true) {
        int room = out.length - total;
        int n = deflater.deflate(out, total, room, Deflater.SYNC_FLUSH);
        total += n;
        // A flush is complete when it leaves room.
        if (n < room) {
          return total;
        }
        throw new AssertionError("deflate needs more than its bound for " + length + " bytes");
      }
    }

    @Override
    public int bound(int length) {
      return GzipBlocks.bound(length);
    }

    @Override
    public void close() {
      deflater.end();
    }
  }
}
