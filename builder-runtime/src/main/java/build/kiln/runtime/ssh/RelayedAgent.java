package build.kiln.runtime.ssh;

import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * An agent that runs already, such as the user's at a desk. Bytes go to and fro as they are, since
 * an agent serves only its own user, and a step's users are others.
 *
 * @param socket where it listens
 */
public record RelayedAgent(Path socket) implements AgentSource {
  @Override
  public void serve(SocketChannel client) throws IOException {
    try (SocketChannel agent = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      // Addresses are at most 107 bytes long.
      try (DirectoryHandle folder = DirectoryHandle.open(AgentServer.parent(socket))) {
        agent.connect(UnixDomainSocketAddress.of(folder.shortPath(AgentServer.name(socket))));
      }
      Thread answers = Thread.startVirtualThread(() -> answer(agent, client));
      copy(client, agent);
      agent.shutdownOutput();
      answers.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** When the agent has hung up, so has the client's side. */
  private static void answer(SocketChannel agent, SocketChannel client) {
    try (client) {
      copy(agent, client);
    } catch (IOException e) {
      // The client's thread sees the same.
    }
  }

  private static void copy(SocketChannel from, SocketChannel to) throws IOException {
    InputStream in = Channels.newInputStream(from);
    OutputStream out = Channels.newOutputStream(to);
    in.transferTo(out);
  }
}
