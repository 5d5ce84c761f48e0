package build.kiln.runtime.cri;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/** A connection to a Unix socket that waits no longer than it is told to. */
final class UnixStream implements Closeable {
  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private long deadline;

  private UnixStream(SocketChannel channel) throws IOException {
    this.channel = channel;
    this.selector = Selector.open();
    channel.configureBlocking(false);
    this.key = channel.register(selector, 0);
  }

  /**
   * Connects. A listener whose queue is full keeps whoever connects waiting, and only closing the
   * channel ends that.
   */
  static UnixStream connect(Path socket, Duration within) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    Thread watch = Thread.ofPlatform().daemon().start(() -> closeAfter(within, channel));
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      return new UnixStream(channel);
    } catch (ClosedByInterruptException e) {
      throw (InterruptedIOException) new InterruptedIOException("interrupted").initCause(e);
    } catch (ClosedChannelException e) {
      throw (SocketTimeoutException)
          new SocketTimeoutException(
                  "%s took no connection within %ds".formatted(socket, within.toSeconds()))
              .initCause(e);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    } finally {
      watch.interrupt();
    }
  }

  private static void closeAfter(Duration time, SocketChannel channel) {
    try {
      Thread.sleep(time);
      channel.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // it is connected, or will never be
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** From now on what is read and written must be done within this time. */
  void within(Duration time) {
    deadline = System.nanoTime() + time.toNanos();
  }

  InputStream in() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        ByteBuffer into = ByteBuffer.wrap(bytes, offset, length);
        int read = channel.read(into);
        while (read == 0 && length > 0) {
          await(SelectionKey.OP_READ);
          read = channel.read(into);
        }
        return read;
      }
    };
  }

  OutputStream out() {
    return new OutputStream() {
      @Override
      public void write(int one) throws IOException {
        write(new byte[] {(byte) one}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        ByteBuffer from = ByteBuffer.wrap(bytes, offset, length);
        while (from.hasRemaining()) {
          if (channel.write(from) == 0) {
            await(SelectionKey.OP_WRITE);
          }
        }
      }
    };
  }

  private void await(int operation) throws IOException {
    key.interestOps(operation);
    long left = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
    int ready = left > 0 ? selector.select(left) : selector.selectNow();
    selector.selectedKeys().clear();
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted");
    }
    if (ready == 0 && deadline - System.nanoTime() <= 0) {
      throw new SocketTimeoutException("no answer in time");
    }
  }

  @Override
  public void close() throws IOException {
    selector.close();
    channel.close();
  }
}
