package build.kiln.runtime.http;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Opens connections: names, addresses, proxies, TLS. */
public final class Dialer {
  /** What a name means, at the moment of connecting. */
  @FunctionalInterface
  public interface Names {
    /**
     * @param host a name, or an address; one of IPv6 in brackets
     * @return in the order to try them, at least one
     * @throws UnknownHostException if there is none, or one that must not be connected to
     */
    InetAddress[] addresses(String host) throws UnknownHostException;
  }

  /** Puts TLS over a connection. */
  @FunctionalInterface
  public interface Tls {
    /**
     * @param host whose certificate it must be, as the route has it
     * @return before its handshake
     */
    SSLSocket over(Socket plain, String host, int port) throws IOException;
  }

  private final Names names;
  private final Tls tls;
  private final Duration timeout;
  private final Duration tunnelTimeout;

  /**
   * @param timeout for a connection to each address, and for each answer in a TLS handshake
   * @param tunnelTimeout for a proxy to make a tunnel
   */
  public Dialer(Names names, Tls tls, Duration timeout, Duration tunnelTimeout) {
    this.names = names;
    this.tls = tls;
    this.timeout = timeout;
    this.tunnelTimeout = tunnelTimeout;
  }

  /**
   * Connects.
   *
   * @throws ProxyRefused if the proxy makes no tunnel
   * @throws IOException of the last address, if none can be connected to
   */
  Connection dial(Route route) throws IOException {
    Route.@Nullable Proxy proxy = route.proxy();
    SocketChannel channel =
        proxy == null
            ? connected(route.host(), route.port())
            : connected(proxy.host(), proxy.port());
    boolean done = false;
    try {
      Socket plain = channel.socket();
      if (route.tls() && proxy != null) {
        tunnel(plain, route, proxy);
      }
      Connection connection =
          new Connection(route, channel, route.tls() ? secured(plain, route) : plain);
      done = true;
      return connection;
    } finally {
      if (!done) {
        channel.close();
      }
    }
  }

  /** Channels, since a thread that waits for one can be interrupted, of whatever kind it is. */
  private SocketChannel connected(String host, int port) throws IOException {
    IOException failure = new UnknownHostException(host);
    for (InetAddress address : names.addresses(host)) {
      try {
        return connected(address, port);
      } catch (IOException e) {
        failure = e;
        if (Thread.currentThread().isInterrupted()) {
          break;
        }
      }
    }
    throw failure;
  }

  private SocketChannel connected(InetAddress address, int port) throws IOException {
    var there = new InetSocketAddress(address, port);
    SocketChannel channel = SocketChannel.open();
    try {
      Socket socket = channel.socket();
      socket.setTcpNoDelay(true);
      socket.connect(there, WireInput.millis(timeout));
      return channel;
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private void tunnel(Socket plain, Route route, Route.Proxy proxy) throws IOException {
    String target = route.host() + ":" + route.port();
    var request = new Request(Request.CONNECT, target, target, Map.of(), null);
    new Sending(plain.getOutputStream(), true).head(request.head(proxy));
    WireInput in = new WireInput(plain);
    Head head = Connection.finalHead(in, tunnelTimeout);
    if (head.status() > 299) {
      throw new ProxyRefused(proxy.toString(), target, head.status());
    }
    if (!in.isEmpty()) {
      throw new ProtocolException("the proxy " + proxy + " sent more than its answer");
    }
  }

  private SSLSocket secured(Socket plain, Route route) throws IOException {
    SSLSocket secure = tls.over(plain, route.host(), route.port());
    secure.setSoTimeout(WireInput.millis(timeout));
    secure.startHandshake();
    return secure;
  }
}
