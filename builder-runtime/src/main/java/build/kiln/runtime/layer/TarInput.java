package build.kiln.runtime.layer;

import build.kiln.runtime.layer.LayerException.Code;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A tar's bytes with the position in them, for messages and for offsets. */
final class TarInput {
  static final int BLOCK = 512;

  private final InputStream in;
  private final String what;
  private final byte[] waste = new byte[16 * 1024];
  private long position;

  TarInput(InputStream in, String what) {
    this.in = new BufferedInputStream(in, 64 * 1024);
    this.what = what;
  }

  long position() {
    return position;
  }

  /** Names the stream and the place in it. */
  String where() {
    return what + " at byte " + position;
  }

  LayerException error(Code code, String message) {
    return new LayerException(code, where() + ": " + message);
  }

  /** Reads one block; false at a clean end of the stream. */
  boolean readBlock(byte[] block) throws IOException {
    int n = in.readNBytes(block, 0, BLOCK);
    position += n;
    if (n != 0 && n != BLOCK) {
      throw error(Code.TRUNCATED, "the stream ends inside a header");
    }
    return n == BLOCK;
  }

  /** Reads some bytes, at least one. */
  int read(byte[] buffer, int offset, int length) throws IOException {
    int n = in.read(buffer, offset, length);
    if (n <= 0) {
      throw error(Code.TRUNCATED, "the stream ends inside an entry");
    }
    position += n;
    return n;
  }

  /** Reads exactly so many bytes; the caller has checked that it is not too many. */
  byte[] readFully(int length) throws IOException {
    byte[] bytes = new byte[length];
    int n = in.readNBytes(bytes, 0, length);
    position += n;
    if (n != length) {
      throw error(Code.TRUNCATED, "the stream ends inside an entry");
    }
    return bytes;
  }

  void skip(long count) throws IOException {
    long left = count;
    while (left > 0) {
      left -= read(waste, 0, (int) Math.min(waste.length, left));
    }
  }

  /** Reads what is left of the stream. */
  void drain() throws IOException {
    for (int n; (n = in.read(waste, 0, waste.length)) >= 0; ) {
      position += n;
    }
  }

  void close() throws IOException {
    in.close();
  }

  /** The zeros that follow so many bytes of content up to a whole block. */
  static long padding(long size) {
    return -size & (BLOCK - 1);
  }
}
