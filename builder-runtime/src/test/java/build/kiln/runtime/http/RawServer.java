package build.kiln.runtime.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A server on loopback that sends exactly the bytes it is told: each connection is handed to the
 * next script.
 */
public final class RawServer implements AutoCloseable {
  /** What happens on one connection, which is closed afterwards. */
  public interface Script {
    void play(Talk talk) throws IOException;
  }

  /** One connection, as the server has it. */
  public record Talk(Socket socket, List<String> heads) {
    /** Reads a request's head and keeps it. */
    public String head() throws IOException {
      InputStream in = socket.getInputStream();
      var head = new ByteArrayOutputStream();
      while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
        int b = in.read();
        if (b < 0) {
          throw new IOException("ended in " + head);
        }
        head.write(b);
      }
      String text = head.toString(StandardCharsets.ISO_8859_1);
      heads.add(text);
      return text;
    }

    public String read(int bytes) throws IOException {
      return new String(socket.getInputStream().readNBytes(bytes), StandardCharsets.ISO_8859_1);
    }

    public Talk send(String text) throws IOException {
      OutputStream out = socket.getOutputStream();
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      return this;
    }
  }

  private final ServerSocket server;
  private final List<Script> scripts;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  public final List<String> heads = new CopyOnWriteArrayList<>();

  private RawServer(List<Script> scripts) throws IOException {
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.scripts = new ArrayList<>(scripts);
    Thread.ofVirtual().start(this::accept);
  }

  public static RawServer of(Script... scripts) throws IOException {
    return new RawServer(List.of(scripts));
  }

  /** Answers each request of a connection with the same bytes. */
  public static Script answering(String bytes) {
    return talk -> {
      while (true) {
        talk.head();
        talk.send(bytes);
      }
    };
  }

  public int port() {
    return server.getLocalPort();
  }

  public int connections() {
    return sockets.size();
  }

  private void accept() {
    try {
      for (Script script : scripts) {
        Socket socket = server.accept();
        sockets.add(socket);
        Thread.ofVirtual().start(() -> play(script, socket));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void play(Script script, Socket socket) {
    try (socket) {
      script.play(new Talk(socket, heads));
    } catch (IOException ended) {
      // The client hung up, or the test is over.
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
