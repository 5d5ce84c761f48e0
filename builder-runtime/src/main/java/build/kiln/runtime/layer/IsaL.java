package build.kiln.runtime.layer;

import build.kiln.runtime.posix.MemoryFile;
import build.kiln.runtime.posix.NativeFunction;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Intel's ISA-L. The library comes with com.intel.gkl, for x86-64 and glibc. The distribution has
 * it unpacked, and its launcher says where; else it is loaded from memory, so that no folder needs
 * to be writable or executable.
 */
final class IsaL {
  /** The system property that names the unpacked library. */
  private static final String FILE = "kiln.isal";

  private static final String LIBRARY = "/com/intel/gkl/native/libgkl_compression.so";

  private final NativeFunction initDeflate;
  private final NativeFunction deflate;
  private final NativeFunction initInflate;
  private final NativeFunction inflate;

  private static final class Loaded {
    static final Optional<IsaL> LIBRARY = load();

    private static Optional<IsaL> load() {
      if (!System.getProperty("os.arch", "").equals("amd64")) {
        return Optional.empty();
      }
      try {
        Optional<SymbolLookup> unpacked = fromFile();
        return Optional.of(new IsaL(unpacked.isPresent() ? unpacked.get() : fromJar()));
      } catch (IOException | IllegalArgumentException e) {
        // Another C library than glibc, or a kernel that forbids it: zlib does it too.
        return Optional.empty();
      }
    }

    /** Empty if none is named, or it cannot be loaded from where it is. */
    private static Optional<SymbolLookup> fromFile() {
      String file = System.getProperty(FILE);
      try {
        return file == null
            ? Optional.empty()
            : Optional.of(SymbolLookup.libraryLookup(Path.of(file), Arena.global()));
      } catch (IllegalArgumentException e) {
        return Optional.empty();
      }
    }

    private static SymbolLookup fromJar() throws IOException {
      try (InputStream content = IsaL.class.getResourceAsStream(IsaL.LIBRARY)) {
        if (content == null) {
          throw new FileNotFoundException(IsaL.LIBRARY);
        }
        try (var file = new MemoryFile("libisal", content)) {
          return SymbolLookup.libraryLookup(file.path(), Arena.global());
        }
      }
    }
  }

  private IsaL(SymbolLookup symbols) {
    initDeflate = new NativeFunction(symbols.findOrThrow("isal_deflate_init"));
    deflate = new NativeFunction(symbols.findOrThrow("isal_deflate"));
    initInflate = new NativeFunction(symbols.findOrThrow("isal_inflate_init"));
    inflate = new NativeFunction(symbols.findOrThrow("isal_inflate"));
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
    initDeflate.call(stream);
  }

  int deflate(MemorySegment stream) {
    return deflate.call(stream);
  }

  void initInflate(MemorySegment state) {
    initInflate.call(state);
  }

  int inflate(MemorySegment state) {
    return inflate.call(state);
  }
}
