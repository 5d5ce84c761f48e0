package build.kiln.runtime.layer;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The fields of a C struct, by their offsets in bytes. A buffer, since single values of a segment
 * go by variable handles, of which a JVM makes one for each type at its first use.
 */
final class NativeFields {
  private final ByteBuffer bytes;

  NativeFields(MemorySegment struct) {
    bytes = struct.asByteBuffer().order(ByteOrder.nativeOrder());
  }

  int get(int offset) {
    return bytes.getInt(offset);
  }

  void put(int offset, short value) {
    bytes.putShort(offset, value);
  }

  void put(int offset, int value) {
    bytes.putInt(offset, value);
  }

  /** A pointer of 64 bits. */
  void put(int offset, MemorySegment target) {
    bytes.putLong(offset, target.address());
  }
}
