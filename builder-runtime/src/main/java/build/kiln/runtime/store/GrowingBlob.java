package build.kiln.runtime.store;

import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.oci.Descriptor;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A blob that is still being written, or about to be, for who wants to read it meanwhile. Readers
 * follow the file in their own time: they hold up nobody, and no bytes are kept in memory for them.
 * Thread-safe.
 */
public final class GrowingBlob {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private @Nullable Path file;
  private @Nullable Path kept;
  private long size;
  private boolean ended;
  private @Nullable Descriptor descriptor;

  /** It was not written to its end. */
  public static final class GivenUp extends EOFException {
    private GivenUp() {
      super("the blob that is read was given up by who wrote it");
    }
  }

  void grown(Path where, long newSize) {
    change(
        () -> {
          file = where;
          size = newSize;
        });
  }

  /** All of it is there. */
  void committed(Descriptor whole, Path where) {
    change(
        () -> {
          kept = where;
          size = whole.size();
          descriptor = whole;
          ended = true;
        });
  }

  /** Whether it is whole, or still may become so. */
  boolean isComing() {
    lock.lock();
    try {
      return !ended || descriptor != null;
    } finally {
      lock.unlock();
    }
  }

  /** It will never be whole; without effect if it is. */
  void givenUp() {
    change(() -> ended = true);
  }

  /** Nothing changes any more once it has ended. */
  private void change(Runnable change) {
    lock.lock();
    try {
      if (!ended) {
        change.run();
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Its bytes from the first on. Reading waits for what is not there yet.
   *
   * @return a stream that fails with {@link GivenUp} if the blob is
   */
  public InputStream open() {
    return new Following();
  }

  /**
   * Waits until it is whole.
   *
   * @throws GivenUp if it will never be
   */
  public Descriptor whole() throws IOException {
    await(Long.MAX_VALUE);
    Descriptor whole = descriptor;
    if (whole == null) {
      throw new GivenUp();
    }
    return whole;
  }

  /** Waits until there are more bytes than these, or it has ended; tells how many there are. */
  private long await(long position) throws InterruptedIOException {
    try {
      lock.lockInterruptibly();
      try {
        while (size <= position && !ended) {
          changed.await();
        }
        return size;
      } finally {
        lock.unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a blob was read that is being written");
    }
  }

  /** Where it is, which is somewhere else once it is whole. */
  private FileChannel channel() throws IOException {
    Path growing;
    lock.lock();
    try {
      growing = file;
    } finally {
      lock.unlock();
    }
    if (growing != null) {
      try {
        return FileChannel.open(growing, StandardOpenOption.READ);
      } catch (NoSuchFileException ended) {
        // It has another name now, or none.
      }
    }
    whole();
    return FileChannel.open(Objects.requireNonNull(kept), StandardOpenOption.READ);
  }

  private final class Following extends BulkInputStream {
    private @Nullable FileChannel channel;
    private long position;

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      long there = await(position) - position;
      if (there == 0) {
        whole();
        return -1;
      }
      if (channel == null) {
        channel = channel();
      }
      int wanted = (int) Math.min(length, there);
      int n = channel.read(ByteBuffer.wrap(buffer, offset, wanted), position);
      if (n < 0) {
        throw new EOFException("the file of a blob that is being written was cut");
      }
      position += n;
      return n;
    }

    @Override
    public void close() throws IOException {
      if (channel != null) {
        channel.close();
      }
    }
  }
}
