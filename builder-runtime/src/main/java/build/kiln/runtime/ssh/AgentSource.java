package build.kiln.runtime.ssh;

import java.io.IOException;
import java.nio.channels.SocketChannel;

/** Answers the clients of an agent. */
public interface AgentSource {
  /**
   * Serves one client until it has gone; called by one thread for each.
   *
   * @throws IOException if the client cannot be served any more
   */
  void serve(SocketChannel client) throws IOException;
}
