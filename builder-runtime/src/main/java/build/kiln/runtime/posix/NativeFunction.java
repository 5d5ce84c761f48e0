package build.kiln.runtime.posix;

import java.lang.foreign.MemorySegment;

/**
 * A function of a C library. To make the first one costs a JVM milliseconds, all further ones
 * nothing.
 *
 * @param address where it is
 */
public record NativeFunction(MemorySegment address) {
  /** Calls it with at most six whole numbers and pointers. */
  int call(long a, long b, long c, long d, long e, long f) {
    return (int) Native.function(address, Scratch.get(), a, b, c, d, e, f, 0);
  }

  /**
   * Calls it with one pointer.
   *
   * @return what it returns, if that is an int
   */
  public int call(MemorySegment pointer) {
    return (int) Native.function(address, Scratch.get(), pointer.address(), 0, 0, 0, 0, 0, 0);
  }
}
