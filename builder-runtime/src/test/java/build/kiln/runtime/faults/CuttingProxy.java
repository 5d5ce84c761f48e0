package build.kiln.runtime.faults;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Passes connections on to a server on loopback, and cuts those that send it much, as networks do:
 * without a word to either side.
 */
final class CuttingProxy implements Closeable {
  private final ServerSocket listening;
  private final InetSocketAddress server;
  private final long bytes;
  private final AtomicInteger cutsLeft;
  private final AtomicInteger cuts = new AtomicInteger();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  /**
   * @param server address and port
   * @param bytes after which a connection is cut
   * @param times how many connections
   */
  CuttingProxy(String server, long bytes, int times) throws IOException {
    String[] parts = server.split(":", 2);
    this.server = new InetSocketAddress(parts[0], Integer.parseInt(parts[1]));
    this.bytes = bytes;
    this.cutsLeft = new AtomicInteger(times);
    this.listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  String host() {
    return "127.0.0.1:" + listening.getLocalPort();
  }

  int cuts() {
    return cuts.get();
  }

  private void accept() {
    while (true) {
      try {
        Socket client = listening.accept();
        var upstream = new Socket(server.getAddress(), server.getPort());
        open.add(client);
        open.add(upstream);
        Thread.ofVirtual().start(() -> pass(client, upstream, true));
        Thread.ofVirtual().start(() -> pass(upstream, client, false));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void pass(Socket from, Socket to, boolean counted) {
    byte[] buffer = new byte[16 << 10];
    long sent = 0;
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sent += n;
        if (counted && sent > bytes && cutsLeft.getAndDecrement() > 0) {
          cuts.incrementAndGet();
          // A reset, as of a host that is gone.
          from.setSoLinger(true, 0);
          to.setSoLinger(true, 0);
          return;
        }
        out.write(buffer, 0, n);
      }
    } catch (IOException otherSideIsGone) {
      return;
    } finally {
      open.remove(from);
      open.remove(to);
    }
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
