package build.kiln.runtime.posix;

import build.kiln.runtime.posix.Syscall.Architecture;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The way into the kernel: libc's {@code syscall(2)} with six arguments. Pointers go as addresses
 * of native memory, see {@link Scratch}. Other functions of C are called by the same method handle,
 * since each further one costs milliseconds at start: what a function does not know of it leaves
 * alone, where arguments go in registers.
 *
 * <p>A raw call acts on the calling thread alone where libc would act on the whole process (the
 * {@code set*id} family).
 */
final class Native {
  private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final int ERRNO =
      (int) CAPTURE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

  /** {@code AT_FDCWD}: relative to the working directory. */
  static final int AT_FDCWD = -100;

  private Native() {}

  /** Whether this machine is one of those the calls are known for. */
  static boolean supported() {
    return Architecture.CURRENT != Architecture.UNSUPPORTED;
  }

  static MemorySegment allocateCapture(Arena arena) {
    return arena.allocate(CAPTURE);
  }

  /** Loaded on the first call, so that other machines can load this class. */
  private static final class Handle {
    static final MethodHandle CALL = link();
    static final MemorySegment SYSCALL =
        Linker.nativeLinker().defaultLookup().findOrThrow("syscall");

    private static MethodHandle link() {
      if (!supported()) {
        throw new UnsupportedOperationException(
            "system calls are known for Linux on x86_64 and aarch64 only, this is "
                + System.getProperty("os.name")
                + " on "
                + System.getProperty("os.arch")
                + ": run Kiln on Linux");
      }
      var l = ValueLayout.JAVA_LONG;
      return Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(l, l, l, l, l, l, l, l),
              Linker.Option.captureCallState("errno"),
              Linker.Option.firstVariadicArg(1));
    }
  }

  /**
   * Makes a call.
   *
   * @return its result, 0 or more; or the error number, negated
   */
  static long call(Syscall call, long a, long b, long c, long d, long e, long f) {
    Scratch scratch = Scratch.get();
    long result = function(Handle.SYSCALL, scratch, call.number(), a, b, c, d, e, f);
    return result == -1 ? -scratch.captured(ERRNO) : result;
  }

  /** Calls any function whose arguments are whole numbers and pointers, at most seven. */
  static long function(
      MemorySegment address,
      Scratch scratch,
      long a,
      long b,
      long c,
      long d,
      long e,
      long f,
      long g) {
    try {
      return (long) Handle.CALL.invokeExact(address, scratch.capture(), a, b, c, d, e, f, g);
    } catch (RuntimeException | Error unchanged) {
      throw unchanged;
    } catch (Throwable impossible) {
      throw new AssertionError("a downcall throws nothing checked", impossible);
    }
  }

  static long call(Syscall call, long a, long b, long c, long d) {
    return call(call, a, b, c, d, 0, 0);
  }

  static long call(Syscall call, long a, long b, long c) {
    return call(call, a, b, c, 0, 0, 0);
  }

  static long call(Syscall call, long a, long b) {
    return call(call, a, b, 0, 0, 0, 0);
  }

  static long call(Syscall call, long a) {
    return call(call, a, 0, 0, 0, 0, 0);
  }

  /** The result, or an exception if it is an error's number. */
  static long check(long result, Syscall call, Object subject) throws PosixException {
    if (result < 0) {
      throw new PosixException(call + " " + subject, (int) -result);
    }
    return result;
  }

  static boolean failedWith(long result, Errno errno) {
    return result == -errno.number();
  }
}
