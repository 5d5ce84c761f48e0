package build.kiln.runtime.layer;

import java.util.zip.CRC32;

/**
 * A compressed format as a sequence of blocks that know nothing of each other: so blocks can be
 * compressed side by side, and the bytes depend on the input and the level alone, never on how many
 * threads there were.
 */
interface BlockCodec {
  /** How many bytes a block has; the last may have fewer. */
  int blockSize();

  /** What comes before the first block. */
  byte[] header();

  /** What comes after the last block. */
  byte[] trailer(CRC32 crc, long size);

  /** Whether the trailer needs the CRC-32 of all the input. */
  boolean needsCrc();

  /**
   * A compressor for use by one thread.
   *
   * @param most how many bytes a block may have
   */
  Encoder newEncoder(int most);

  /** Compresses one block after the other. */
  interface Encoder extends AutoCloseable {
    /**
     * Compresses a block.
     *
     * @param out has room for {@link #bound}
     * @return how many bytes of {@code out} are the compressed block
     */
    int encode(byte[] in, int length, byte[] out);

    /** The most bytes that a block of this length can become. */
    int bound(int length);

    @Override
    void close();
  }

  /**
   * The codec of a compression, which must not be NONE. Without a level, gzip is the fastest there
   * is and zstd has its tools' 3.
   */
  static BlockCodec of(Compression compression) {
    int level = compression.level();
    return switch (compression.type()) {
      case GZIP -> new GzipBlocks(level);
      case ZSTD -> new ZstdBlocks(level == 0 ? 3 : level);
      case NONE -> throw new IllegalArgumentException("no codec for uncompressed layers");
    };
  }
}
