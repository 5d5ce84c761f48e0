package build.kiln.runtime.store;

import build.kiln.runtime.layer.BulkInputStream;
import build.kiln.runtime.oci.Descriptor;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A blob that is still being written, for who wants to read it meanwhile. Readers follow the file
 * in their own time: they hold up nobody, and no bytes are kept in memory for them. Thread-safe.
 */
public final class GrowingBlob {
  private final Path file;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long size;
  private boolean ended;
  private @Nullable Descriptor descriptor;

  GrowingBlob(Path file, long size) {
    this.file = file;
    this.size = size;
  }

  void grown(long newSize) {
    change(() -> size = newSize);
  }

  /** All of it is there. */
  void committed(Descriptor whole) {
    change(
        () -> {
          size = whole.size();
          descriptor = whole;
          ended = true;
        });
  }

  /** It will never be whole; without effect if it is. */
  void givenUp() {
    change(() -> ended = true);
  }

  private void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Its bytes from the first on; to be opened before the call that told of it returns, since the
   * file has another name later. Reading waits for what is not there yet, and fails if the blob is
   * given up.
   */
  public InputStream open() throws IOException {
    return new Following(FileChannel.open(file, StandardOpenOption.READ));
  }

  /**
   * Waits until it is whole.
   *
   * @throws IOException if it was given up
   */
  public Descriptor whole() throws IOException {
    await(Long.MAX_VALUE);
    Descriptor whole = descriptor;
    if (whole == null) {
      throw new EOFException("the blob that is read was given up by who wrote it");
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

  private final class Following extends BulkInputStream {
    private final FileChannel channel;
    private long position;

    Following(FileChannel channel) {
      this.channel = channel;
    }

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
      channel.close();
    }
  }
}
