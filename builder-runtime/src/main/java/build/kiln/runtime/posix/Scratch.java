package build.kiln.runtime.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A thread's own native memory for arguments and results, allocated once, freed with the thread.
 * What a method returns is valid until the same method is called again by the same thread. Values
 * go in and out by copying arrays: to set and get single ones makes a variable handle for each
 * type, which takes a new process milliseconds.
 */
final class Scratch {
  /** {@code PATH_MAX}: the longest path a call takes, with its terminating zero. */
  static final int PATH_MAX = 4096;

  /** Size of the buffer for content and directory entries. */
  static final int BUFFER = 128 * 1024;

  private static final byte[] END = {0};

  private static final ThreadLocal<Scratch> CURRENT = ThreadLocal.withInitial(Scratch::new);

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment capture = Native.allocateCapture(arena);
  private final ByteBuffer captured = capture.asByteBuffer().order(ByteOrder.nativeOrder());
  private final MemorySegment first = arena.allocate(PATH_MAX);
  private final MemorySegment second = arena.allocate(PATH_MAX);
  private final MemorySegment struct = arena.allocate(256, 8);
  private final ByteBuffer fields = struct.asByteBuffer().order(ByteOrder.nativeOrder());
  private @Nullable MemorySegment buffer;

  private Scratch() {}

  static Scratch get() {
    return CURRENT.get();
  }

  MemorySegment capture() {
    return capture;
  }

  /** A number that the last call left in {@link #capture}, by its offset. */
  int captured(int offset) {
    return captured.getInt(offset);
  }

  /** 256 bytes for a struct; not zeroed. */
  MemorySegment struct() {
    return struct;
  }

  /** A 32-bit number that a call left in {@link #struct()}, by its offset. */
  int field(int offset) {
    return fields.getInt(offset);
  }

  /** A struct of these 64-bit fields. */
  MemorySegment struct(long... fields) {
    MemorySegment.copy(fields, 0, struct, ValueLayout.JAVA_LONG, 0, fields.length);
    return struct;
  }

  /** {@link #BUFFER} bytes for content; not zeroed. */
  MemorySegment buffer() {
    MemorySegment present = buffer;
    if (present == null) {
      present = arena.allocate(BUFFER, 8);
      buffer = present;
    }
    return present;
  }

  /** The address of this name, as a C string. */
  long first(String name) throws PosixException {
    return first(Names.encode(name));
  }

  /** The address of this name, as a C string. */
  long first(byte[] name) throws PosixException {
    return put(first, name);
  }

  /** The address of a second name beside {@link #first}. */
  long second(String name) throws PosixException {
    return put(second, Names.encode(name));
  }

  private static long put(MemorySegment target, byte[] bytes) throws PosixException {
    if (bytes.length >= PATH_MAX) {
      throw new PosixException("path of " + bytes.length + " bytes", Errno.ENAMETOOLONG.number());
    }
    for (byte b : bytes) {
      if (b == 0) {
        throw new PosixException("a name with a zero byte", Errno.EINVAL.number());
      }
    }
    MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
    MemorySegment.copy(END, 0, target, ValueLayout.JAVA_BYTE, bytes.length, 1);
    return target.address();
  }
}
