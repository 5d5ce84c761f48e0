package build.kiln.runtime.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A far registry, where the kernel has no netem: a port whose connections behave as TCP over a long
 * way that loses packets. Each direction of a connection has a window that starts at ten segments,
 * doubles in every round trip until something is lost, is halved by a loss and then grows by a
 * segment (RFC 5681); what is lost holds up all that comes after it for a round trip, or for 200 ms
 * where too little follows it to tell. A connection costs a round trip before its first byte. The
 * way has no limit of bandwidth, and losses come from a seed.
 */
final class SlowLink implements AutoCloseable {
  private static final int SEGMENT = 1448;
  private static final int FIRST_WINDOW = 10 * SEGMENT;
  private static final int CHUNK = 16 << 10;
  private static final long RETRANSMISSION_NANOS = 200_000_000;
  private static final int DUPLICATES = 4;

  /**
   * How bad it is.
   *
   * @param roundTripMillis there and back
   * @param loss of segments, from 0 to 1
   */
  record Kind(long roundTripMillis, double loss) {}

  private final int port;
  private final Optional<ServerSocket> server;
  private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();

  private SlowLink(int port, Optional<ServerSocket> server) {
    this.port = port;
    this.server = server;
  }

  /** To a port on loopback; without a kind it is that port itself. */
  static SlowLink open(Optional<Kind> kind, int target) throws IOException {
    if (kind.isEmpty()) {
      return new SlowLink(target, Optional.empty());
    }
    var server = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    var link = new SlowLink(server.getLocalPort(), Optional.of(server));
    Thread.ofVirtual().start(() -> link.accept(server, kind.get(), target));
    return link;
  }

  int port() {
    return port;
  }

  private void accept(ServerSocket server, Kind kind, int target) {
    var seeds = new AtomicInteger();
    try {
      while (true) {
        Socket near = server.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
        new Way(kind, new Random(seeds.incrementAndGet()), near, far, true).start();
        new Way(kind, new Random(seeds.incrementAndGet()), far, near, false).start();
      }
    } catch (IOException e) {
      // Closing the server ends it.
    }
  }

  /** One direction of a connection. */
  private static final class Way {
    /** Bytes on the way, and when the last of them arrives; no bytes for the end. */
    private record Sent(byte[] bytes, long arrives) {}

    private record Unacknowledged(int bytes, long until) {}

    private final Random random;
    private final double loss;
    private final long roundTrip;
    private final Socket from;
    private final Socket to;
    private final LinkedBlockingQueue<Sent> queue = new LinkedBlockingQueue<>();
    private final ArrayDeque<Unacknowledged> inFlight = new ArrayDeque<>();
    private long flying;
    private double window = FIRST_WINDOW;
    private double threshold = Double.MAX_VALUE;
    private long lastArrival;

    Way(Kind kind, Random random, Socket from, Socket to, boolean opens) {
      this.random = random;
      this.loss = kind.loss();
      this.roundTrip = kind.roundTripMillis() * 1_000_000;
      this.from = from;
      this.to = to;
      this.lastArrival = System.nanoTime() + (opens ? roundTrip + roundTrip / 2 : 0);
    }

    void start() {
      Thread.ofVirtual().start(this::send);
      Thread.ofVirtual().start(this::deliver);
    }

    private void send() {
      byte[] buffer = new byte[CHUNK];
      try {
        InputStream in = from.getInputStream();
        while (true) {
          awaitWindow();
          int room = (int) Math.clamp((long) window - flying, 1, CHUNK);
          int n = in.read(buffer, 0, room);
          if (n < 0) {
            break;
          }
          queue.add(new Sent(java.util.Arrays.copyOf(buffer, n), fly(n)));
        }
      } catch (IOException e) {
        // The other side sees the end.
      }
      queue.add(new Sent(new byte[0], lastArrival));
    }

    private void awaitWindow() {
      acknowledge(System.nanoTime());
      while (flying >= window) {
        long wait = inFlight.getFirst().until() - System.nanoTime();
        if (wait > 0) {
          LockSupport.parkNanos(wait);
        }
        acknowledge(System.nanoTime());
      }
    }

    private void acknowledge(long now) {
      while (!inFlight.isEmpty() && inFlight.getFirst().until() <= now) {
        int bytes = inFlight.removeFirst().bytes();
        flying -= bytes;
        window += window < threshold ? bytes : (double) SEGMENT * bytes / window;
      }
    }

    /** When these bytes arrive. */
    private long fly(int bytes) {
      long arrives = System.nanoTime() + roundTrip / 2;
      flying += bytes;
      int segments = (bytes + SEGMENT - 1) / SEGMENT;
      boolean lost = random.nextDouble() < 1 - Math.pow(1 - loss, segments);
      if (lost) {
        boolean noticed = flying >= (long) DUPLICATES * SEGMENT;
        arrives += noticed ? roundTrip : Math.max(RETRANSMISSION_NANOS, roundTrip);
        threshold = Math.max(window / 2, 2.0 * SEGMENT);
        window = noticed ? threshold : FIRST_WINDOW;
      }
      lastArrival = Math.max(lastArrival, arrives);
      inFlight.add(new Unacknowledged(bytes, lastArrival + roundTrip / 2));
      return lastArrival;
    }

    private void deliver() {
      try (to) {
        OutputStream out = to.getOutputStream();
        while (true) {
          Sent next = queue.take();
          long wait = next.arrives() - System.nanoTime();
          if (wait > 0) {
            LockSupport.parkNanos(wait);
          }
          if (next.bytes().length == 0) {
            return;
          }
          out.write(next.bytes());
        }
      } catch (IOException e) {
        close(from);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is closed.
    }
  }

  @Override
  public void close() throws IOException {
    if (server.isPresent()) {
      server.get().close();
    }
    sockets.forEach(SlowLink::close);
  }
}
