package build.kiln.runtime.posix;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** An open regular file, or an end of a pipe. */
public final class FileHandle extends Handle {
  private static final int SEEK_CURRENT = 1;
  private static final int BLOCK = 4096;
  private static final byte[] ZEROS = new byte[BLOCK];

  private @Nullable FileStatus opened;

  FileHandle(int fd, String label) {
    super(fd, label);
  }

  /** What the file was like when it was opened for reading; looked up now if it was not. */
  public FileStatus opened() throws PosixException {
    FileStatus seen = opened;
    return seen == null ? status() : seen;
  }

  /** Makes sure that it is a regular file, which may be read without waiting for others. */
  FileHandle regular() throws PosixException {
    FileStatus seen = status();
    if (seen.type() != FileType.FILE) {
      throw new PosixException("open as a regular file " + label(), Errno.EINVAL.number());
    }
    opened = seen;
    return this;
  }

  /**
   * Reads on from where the last read ended.
   *
   * @return how many bytes; -1 at the end
   */
  public int read(byte[] target, int offset, int length) throws PosixException {
    MemorySegment buffer = Scratch.get().buffer();
    int wanted = Math.min(length, Scratch.BUFFER);
    long count;
    do {
      count = Native.call(Syscall.READ, fd(), buffer.address(), wanted);
    } while (Native.failedWith(count, Errno.EINTR));
    Native.check(count, Syscall.READ, label());
    MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, target, offset, (int) count);
    return count == 0 && wanted > 0 ? -1 : (int) count;
  }

  /** Writes all of it where the last write ended. */
  public void write(byte[] source, int offset, int length) throws PosixException {
    MemorySegment buffer = Scratch.get().buffer();
    int done = 0;
    while (done < length) {
      int part = Math.min(length - done, Scratch.BUFFER);
      MemorySegment.copy(source, offset + done, buffer, ValueLayout.JAVA_BYTE, 0, part);
      long count = Native.call(Syscall.WRITE, fd(), buffer.address(), part);
      if (!Native.failedWith(count, Errno.EINTR)) {
        done += (int) Native.check(count, Syscall.WRITE, label());
      }
    }
  }

  /**
   * Writes all that the stream has to this new, empty file. Blocks of zeros become holes, so a
   * sparse file stays as small as it was.
   *
   * @param buffer used for the copy; at least 4096 bytes
   * @return how many bytes
   */
  public long writeAll(InputStream content, byte[] buffer) throws IOException {
    long total = 0;
    boolean hole = false;
    for (int count; (count = content.readNBytes(buffer, 0, buffer.length)) > 0; total += count) {
      hole = count >= BLOCK && isZero(buffer, count);
      if (hole) {
        skip(count);
      } else {
        write(buffer, 0, count);
      }
    }
    if (hole) {
      truncate(total);
    }
    return total;
  }

  /** Leaves a hole of this length before what is written next. */
  public void skip(long length) throws PosixException {
    long result = Native.call(Syscall.LSEEK, fd(), length, SEEK_CURRENT);
    Native.check(result, Syscall.LSEEK, label());
  }

  /** Makes it this long; what is added is a hole. */
  public void truncate(long size) throws PosixException {
    Native.check(Native.call(Syscall.FTRUNCATE, fd(), size), Syscall.FTRUNCATE, label());
  }

  private static boolean isZero(byte[] buffer, int count) {
    for (int at = 0; at < count; at += BLOCK) {
      int length = Math.min(BLOCK, count - at);
      if (java.util.Arrays.mismatch(buffer, at, at + length, ZEROS, 0, length) >= 0) {
        return false;
      }
    }
    return true;
  }

  /** The content from here on; closing the stream closes this handle. */
  public InputStream inputStream() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return FileHandle.this.read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        return FileHandle.this.read(target, offset, length);
      }

      @Override
      public void close() {
        FileHandle.this.close();
      }
    };
  }
}
