package build.kiln.runtime.layer;

import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Hashes, compresses and writes a stream at the same time.
 *
 * <pre>
 *   writer --block--> compressors (several) --.
 *          --block--> hasher (in order)        \
 *          --block--> sender (in order) waits for the block's compressor, writes, frees the block
 * </pre>
 *
 * <p>A fixed number of blocks goes round: whoever is slow holds the others up, and memory is the
 * same for any length. Every queue has room for all blocks, so no put waits. After a failure the
 * stages go on passing blocks without working on them: so nobody waits for ever, and the writer
 * meets the failure at its next block. A stream of less than a block is worked on by the writer
 * itself, without threads.
 */
final class BlockPipeline extends OutputStream {
  private final BlockCodec codec;
  private final OutputStream target;
  private final int workers;
  private final MessageDigest digest = Digest.sha256();
  private final CRC32 crc = new CRC32();

  private final BlockingQueue<Block> free;
  private final BlockingQueue<Block> toHash;
  private final BlockingQueue<Block> toCompress;
  private final BlockingQueue<Block> toSend;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final int maxBlocks;
  private int blocks;
  private Block current;
  private long size;

  /** A stretch of the stream. A length of -1 ends it. */
  private static final class Block {
    final byte[] in;
    byte[] out = new byte[0];
    int length;
    int outLength;
    final AtomicInteger holders = new AtomicInteger();
    CountDownLatch compressed = new CountDownLatch(1);

    Block(int size) {
      in = new byte[size];
    }
  }

  BlockPipeline(BlockCodec codec, OutputStream target, int workers) {
    this.codec = codec;
    this.target = target;
    this.workers = workers;
    // One being filled, one being hashed, one being sent, and one ready for each compressor.
    this.maxBlocks = 2 * workers + 3;
    this.free = new ArrayBlockingQueue<>(maxBlocks);
    this.toHash = new ArrayBlockingQueue<>(maxBlocks + 1);
    this.toCompress = new ArrayBlockingQueue<>(maxBlocks + workers);
    this.toSend = new ArrayBlockingQueue<>(maxBlocks + 1);
    this.current = newBlock();
  }

  private Block newBlock() {
    blocks++;
    return new Block(codec.blockSize());
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    int at = offset;
    int left = length;
    while (left > 0) {
      if (current.length == current.in.length) {
        submit();
      }
      int n = Math.min(left, current.in.length - current.length);
      System.arraycopy(bytes, at, current.in, current.length, n);
      current.length += n;
      at += n;
      left -= n;
    }
  }

  /** Passes the full block on and gets a free one. */
  private void submit() throws IOException {
    if (threads.isEmpty()) {
      target.write(codec.header());
      startThreads();
    }
    pass(current);
    checkFailure();
    if (blocks < maxBlocks && free.isEmpty()) {
      current = newBlock();
      return;
    }
    try {
      current = free.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a layer was compressed");
    }
  }

  private void pass(Block block) {
    size += block.length;
    block.holders.set(2);
    block.compressed = new CountDownLatch(1);
    toSend.add(block);
    toHash.add(block);
    toCompress.add(block);
  }

  /**
   * Ends the stream: all of it is hashed and written when this returns.
   *
   * @return the digest of the uncompressed stream
   */
  Digest finish() throws IOException {
    if (threads.isEmpty()) {
      finishAlone();
    } else {
      pass(current);
      stopThreads();
      checkFailure();
    }
    target.write(codec.trailer(crc, size));
    return Digest.fromSha256(digest.digest());
  }

  private void finishAlone() throws IOException {
    size = current.length;
    hash(current);
    target.write(codec.header());
    try (var encoder = codec.newEncoder(current.length)) {
      byte[] out = new byte[encoder.bound(current.length)];
      target.write(out, 0, encoder.encode(current.in, current.length, out));
    }
  }

  /** Stops what is still under way; without effect after {@link #finish()}. */
  void abort() {
    if (!threads.isEmpty()) {
      failure.compareAndSet(null, new IOException("the layer was given up"));
      threads.forEach(Thread::interrupt);
      try {
        stopThreads();
      } catch (IOException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void startThreads() {
    start("hash", this::hashAll);
    start("send", this::sendAll);
    for (int i = 0; i < workers; i++) {
      start("compress-" + i, this::compressAll);
    }
  }

  private void start(String role, Runnable work) {
    threads.add(Thread.ofPlatform().daemon().name("kiln-layer-" + role).start(work));
  }

  private void stopThreads() throws IOException {
    Block end = new Block(0);
    end.length = -1;
    toHash.add(end);
    toSend.add(end);
    for (int i = 0; i < workers; i++) {
      toCompress.add(end);
    }
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
          failure.compareAndSet(
              null, new InterruptedIOException("interrupted while a layer was compressed"));
          threads.forEach(Thread::interrupt);
        }
      }
    }
    threads.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void hashAll() {
    for (Block block = take(toHash); block != null; block = take(toHash)) {
      if (failure.get() == null) {
        hash(block);
      }
      release(block);
    }
  }

  private void hash(Block block) {
    digest.update(block.in, 0, block.length);
    if (codec.needsCrc()) {
      crc.update(block.in, 0, block.length);
    }
  }

  private void compressAll() {
    try (var encoder = codec.newEncoder(codec.blockSize())) {
      for (Block block = take(toCompress); block != null; block = take(toCompress)) {
        compress(encoder, block);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
      for (Block block = take(toCompress); block != null; block = take(toCompress)) {
        block.compressed.countDown();
      }
    }
  }

  private void compress(BlockCodec.Encoder encoder, Block block) {
    try {
      if (failure.get() == null) {
        if (block.out.length == 0) {
          block.out = new byte[encoder.bound(codec.blockSize())];
        }
        block.outLength = encoder.encode(block.in, block.length, block.out);
      }
    } finally {
      block.compressed.countDown();
    }
  }

  private void sendAll() {
    for (Block block = take(toSend); block != null; block = take(toSend)) {
      try {
        block.compressed.await();
        if (failure.get() == null) {
          target.write(block.out, 0, block.outLength);
        }
      } catch (InterruptedException e) {
        failure.compareAndSet(null, e);
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
      release(block);
    }
  }

  /** The next block, or null at the end. An interrupt only ends the wait of work in progress. */
  private static @Nullable Block take(BlockingQueue<Block> queue) {
    while (true) {
      try {
        Block block = queue.take();
        return block.length < 0 ? null : block;
      } catch (InterruptedException e) {
        // The end marker always comes; until then blocks are passed on.
        continue;
      }
    }
  }

  private void release(Block block) {
    if (block.holders.decrementAndGet() == 0) {
      block.length = 0;
      free.add(block);
    }
  }

  private void checkFailure() throws IOException {
    switch (failure.get()) {
      case null -> {}
      case IOException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IOException("cannot compress a layer: " + e, e);
    }
  }
}
