package build.kiln.runtime.ssh;

import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Listens on a Unix domain socket for the clients of an agent, until it is closed. */
public final class AgentServer implements AutoCloseable {
  private final Path socket;
  private final AgentSource agent;
  private final ServerSocketChannel server;
  private final Set<SocketChannel> clients = ConcurrentHashMap.newKeySet();

  private AgentServer(Path socket, AgentSource agent, ServerSocketChannel server) {
    this.socket = socket;
    this.agent = agent;
    this.server = server;
  }

  /**
   * @param socket is made, with the process's umask
   * @throws IOException if it cannot be made
   */
  public static AgentServer start(Path socket, AgentSource agent) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try (DirectoryHandle folder = DirectoryHandle.open(parent(socket))) {
      server.bind(UnixDomainSocketAddress.of(folder.shortPath(name(socket))));
    } catch (IOException e) {
      server.close();
      throw new IOException("cannot make the socket %s: %s".formatted(socket, e.getMessage()), e);
    }
    var started = new AgentServer(socket, agent, server);
    Thread.ofVirtual().name("ssh-agent").start(started::accept);
    return started;
  }

  static Path parent(Path socket) {
    return Objects.requireNonNull(socket.toAbsolutePath().getParent());
  }

  static String name(Path socket) {
    return Objects.requireNonNull(socket.getFileName()).toString();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        clients.add(client);
        Thread.ofVirtual().name("ssh-agent-client").start(() -> serve(client));
      }
    } catch (ClosedChannelException e) {
      // That is how it ends.
    } catch (IOException e) {
      close(server);
    }
  }

  private void serve(SocketChannel client) {
    try (client) {
      agent.serve(client);
    } catch (IOException e) {
      // The client sees that it is over, and says what that means to it.
    } finally {
      clients.remove(client);
    }
  }

  private static void close(AutoCloseable channel) {
    try {
      channel.close();
    } catch (Exception e) {
      // It is not used any more.
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    clients.forEach(AgentServer::close);
    Files.deleteIfExists(socket);
  }
}
