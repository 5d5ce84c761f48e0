package build.kiln.runtime.layer;

import build.kiln.runtime.posix.Threads;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Reads a stream on a thread of its own, a few blocks ahead of whoever reads this one: what it
 * costs to make the bytes (inflating, hashing) and what is done with them go side by side. For one
 * reader.
 */
public final class ReadAhead extends BulkInputStream {
  private static final int BLOCK = 128 * 1024;
  private static final int BLOCKS = 6;
  private static final Block NONE = new Block(0);

  private final InputStream in;
  private final BlockingQueue<Block> free = new ArrayBlockingQueue<>(BLOCKS);
  private final BlockingQueue<Block> filled = new ArrayBlockingQueue<>(BLOCKS);
  private final Thread thread;
  private Block current = NONE;
  private int position;

  /** Some bytes; the last one has the end or the failure after them. */
  private static final class Block {
    final byte[] bytes;
    int length;
    boolean last;
    @Nullable Throwable failure;

    Block(int size) {
      bytes = new byte[size];
    }
  }

  /**
   * Starts to read.
   *
   * @param in closed with this one; nobody else uses it until then
   */
  public ReadAhead(InputStream in) {
    this.in = in;
    for (int i = 0; i < BLOCKS; i++) {
      free.add(new Block(BLOCK));
    }
    thread = Thread.ofPlatform().daemon().name("kiln-read-ahead").start(this::readAll);
  }

  private void readAll() {
    try {
      boolean more = true;
      while (more) {
        Block block = free.take();
        fill(block);
        more = !block.last;
        filled.add(block);
      }
    } catch (InterruptedException closed) {
      // Nobody reads on.
    }
  }

  private void fill(Block block) {
    block.length = 0;
    try {
      while (block.length < block.bytes.length && !block.last) {
        int n = in.read(block.bytes, block.length, block.bytes.length - block.length);
        block.last = n < 0;
        block.length += Math.max(0, n);
      }
    } catch (IOException | RuntimeException | Error e) {
      block.failure = e;
      block.last = true;
    }
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (position == current.length) {
      if (current.last) {
        return end(current.failure);
      }
      next();
    }
    int n = Math.min(length, current.length - position);
    System.arraycopy(current.bytes, position, target, offset, n);
    position += n;
    return n;
  }

  private void next() throws IOException {
    if (current.bytes.length > 0) {
      free.add(current);
      current = NONE;
      position = 0;
    }
    try {
      current = filled.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a stream was read");
    }
  }

  private static int end(@Nullable Throwable failure) throws IOException {
    switch (failure) {
      case null -> {
        return -1;
      }
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IOException(failure);
    }
  }

  /** Returns when the thread has ended. */
  @Override
  public void close() throws IOException {
    thread.interrupt();
    // What it reads from is interrupted too, so it ends soon.
    if (Threads.joinUninterruptibly(thread)) {
      Thread.currentThread().interrupt();
    }
    in.close();
  }
}
