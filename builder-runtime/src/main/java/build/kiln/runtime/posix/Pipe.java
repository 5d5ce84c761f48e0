package build.kiln.runtime.posix;

import java.io.IOException;
import java.io.OutputStream;

/** A pipe ({@code pipe(7)}); neither end is 0, 1 or 2, and programs that are started get none. */
final class Pipe implements AutoCloseable {
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int FIRST = 3;

  private final FileHandle source;
  private final FileHandle sink;

  private Pipe(FileHandle source, FileHandle sink) {
    this.source = source;
    this.sink = sink;
  }

  static Pipe open() throws PosixException {
    Scratch scratch = Scratch.get();
    Native.check(
        Native.call(Syscall.PIPE2, scratch.struct().address(), OpenFlags.CLOSE_ON_EXEC),
        Syscall.PIPE2,
        "a pipe");
    int read = scratch.field(0);
    int write = scratch.field(Integer.BYTES);
    FileHandle source;
    try {
      source = end(read);
    } catch (PosixException e) {
      Native.call(Syscall.CLOSE, write);
      throw e;
    }
    try {
      return new Pipe(source, end(write));
    } catch (PosixException e) {
      source.close();
      throw e;
    }
  }

  /** Another descriptor of a process whose standard streams are closed; closes it on failure. */
  private static FileHandle end(int fd) throws PosixException {
    if (fd >= FIRST) {
      return new FileHandle(fd, "a pipe");
    }
    long other = Native.call(Syscall.FCNTL, fd, F_DUPFD_CLOEXEC, FIRST);
    Native.call(Syscall.CLOSE, fd);
    Native.check(other, Syscall.FCNTL, "a pipe");
    return new FileHandle((int) other, "a pipe");
  }

  /** What is read from. */
  FileHandle source() {
    return source;
  }

  /** What is written to. */
  FileHandle sink() {
    return sink;
  }

  @Override
  public void close() {
    source.close();
    sink.close();
  }

  /** Writes to a pipe; may be closed by any thread, which waits for one that writes. */
  static final class Writer extends OutputStream {
    private final FileHandle sink;
    private boolean closed;

    Writer(FileHandle sink) {
      this.sink = sink;
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
      if (closed) {
        throw new IOException("the pipe is closed");
      }
      sink.write(bytes, offset, length);
    }

    @Override
    public synchronized void close() {
      closed = true;
      sink.close();
    }
  }
}
