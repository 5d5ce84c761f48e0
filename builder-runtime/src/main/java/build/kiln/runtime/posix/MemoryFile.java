package build.kiln.runtime.posix;

import java.io.IOException;
import java.io.InputStream;

/** A file that lies in memory alone ({@code memfd_create(2)}) and is gone when it is closed. */
public final class MemoryFile implements AutoCloseable {
  private static final int MFD_CLOEXEC = 1;

  private final FileHandle file;

  /**
   * Makes a file of all that the stream has.
   *
   * @param name tells people what it is, for instance in {@code /proc/PID/maps}
   * @throws PosixException if the kernel gives no such file
   */
  public MemoryFile(String name, InputStream content) throws IOException {
    long fd = Native.call(Syscall.MEMFD_CREATE, Scratch.get().first(name), MFD_CLOEXEC);
    file = new FileHandle((int) Native.check(fd, Syscall.MEMFD_CREATE, name), name);
    try {
      file.writeAll(content, new byte[64 * 1024]);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Where this process finds it until it is closed; not for {@code toRealPath}, it has none. */
  public String path() {
    return "/proc/self/fd/" + file.fd();
  }

  @Override
  public void close() {
    file.close();
  }
}
