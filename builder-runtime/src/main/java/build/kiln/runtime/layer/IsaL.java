package build.kiln.runtime.layer;

import build.kiln.runtime.posix.MemoryFile;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Intel's ISA-L. The library comes with com.intel.gkl, for x86-64 and glibc; it is loaded from
 * memory, so that no folder needs to be writable or executable.
 */
final class IsaL {
  private static final String LIBRARY = "/com/intel/gkl/native/libgkl_compression.so";

  private final MethodHandle call;
  private final MemorySegment initDeflate;
  private final MemorySegment deflate;
  private final MemorySegment initInflate;
  private final MemorySegment inflate;

  private static final class Loaded {
    static final Optional<IsaL> LIBRARY = load();

    private static Optional<IsaL> load() {
      if (!System.getProperty("os.arch", "").equals("amd64")) {
        return Optional.empty();
      }
      try (InputStream content = IsaL.class.getResourceAsStream(IsaL.LIBRARY)) {
        if (content == null) {
          throw new FileNotFoundException(IsaL.LIBRARY);
        }
        try (var file = new MemoryFile("libisal", content)) {
          return Optional.of(new IsaL(SymbolLookup.libraryLookup(file.path(), Arena.global())));
        }
      } catch (IOException | IllegalArgumentException e) {
        // Another C library than glibc, or a kernel that forbids it: zlib does it too.
        return Optional.empty();
      }
    }
  }

  private IsaL(SymbolLookup symbols) {
    call =
        Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    initDeflate = symbols.findOrThrow("isal_deflate_init");
    deflate = symbols.findOrThrow("isal_deflate");
    initInflate = symbols.findOrThrow("isal_inflate_init");
    inflate = symbols.findOrThrow("isal_inflate");
  }

  /** The library; empty on a machine that cannot load it. */
  static Optional<IsaL> find() {
    return Loaded.LIBRARY;
  }

  /**
   * The library.
   *
   * @throws IllegalStateException on a machine that cannot load it
   */
  static IsaL get() {
    return find().orElseThrow(() -> new IllegalStateException("no ISA-L for this machine"));
  }

  void initDeflate(MemorySegment stream) {
    invoke(initDeflate, stream);
  }

  int deflate(MemorySegment stream) {
    return invoke(deflate, stream);
  }

  void initInflate(MemorySegment state) {
    invoke(initInflate, state);
  }

  int inflate(MemorySegment state) {
    return invoke(inflate, state);
  }

  /**
   * One handle for all, as each costs time to make; what the init functions return means nothing.
   */
  private int invoke(MemorySegment function, MemorySegment state) {
    try {
      return (int) call.invokeExact(function, state);
    } catch (RuntimeException | Error unchanged) {
      throw unchanged;
    } catch (Throwable impossible) {
      throw new AssertionError("a downcall throws nothing checked", impossible);
    }
  }
}
