package build.kiln.runtime.layer;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import java.util.zip.CRC32;

/**
 * Zstandard (RFC 8878): each block is a frame with its size and a checksum. Frames one after the
 * other are what every reader takes as one stream.
 */
record ZstdBlocks(int level) implements BlockCodec {
  /** The window of level 3 is 2 MiB; larger frames gain little and cost memory. */
  private static final int BLOCK_SIZE = 2 * 1024 * 1024;

  @Override
  public int blockSize() {
    return BLOCK_SIZE;
  }

  @Override
  public byte[] header() {
    return new byte[0];
  }

  @Override
  public byte[] trailer(CRC32 crc, long size) {
    return new byte[0];
  }

  @Override
  public boolean needsCrc() {
    return false;
  }

  @Override
  public Encoder newEncoder(int most) {
    return new FrameEncoder(level);
  }

  private static final class FrameEncoder implements Encoder {
    private final ZstdCompressCtx context = new ZstdCompressCtx();

    FrameEncoder(int level) {
      context.setLevel(level);
      context.setChecksum(true);
      context.setContentSize(true);
    }

    @Override
    public int encode(byte[] in, int length, byte[] out) {
      return context.compressByteArray(out, 0, out.length, in, 0, length);
    }

    @Override
    public int bound(int length) {
      return (int) Zstd.compressBound(length);
    }

    @Override
    public void close() {
      context.close();
    }
  }
}
