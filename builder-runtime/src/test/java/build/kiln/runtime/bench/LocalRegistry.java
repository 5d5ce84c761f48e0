package build.kiln.runtime.bench;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Debian's docker-registry on loopback, with its data in a folder. */
final class LocalRegistry implements AutoCloseable {
  static final String PROGRAM = "docker-registry";
  private static final int START_MILLIS = 20_000;

  private final Process process;
  private final Path data;

  private LocalRegistry(Process process, Path data) {
    this.process = process;
    this.data = data;
  }

  /**
   * What it says of its version.
   *
   * @throws IOException if there is none
   */
  static String version() throws IOException, InterruptedException {
    return "- registry: " + Commands.run(List.of(PROGRAM, "--version")).strip();
  }

  /** A port that is free now. */
  static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Starts it and waits until it answers. */
  static LocalRegistry start(Path data, int port) throws IOException, InterruptedException {
    return start(data, port, false);
  }

  /** As {@link #start(Path, int)}, and it writes down every request. */
  static LocalRegistry logging(Path data, int port) throws IOException, InterruptedException {
    return start(data, port, true);
  }

  private static LocalRegistry start(Path data, int port, boolean accessLog)
      throws IOException, InterruptedException {
    Files.createDirectories(data);
    Path config = data.resolve("config.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: error, accesslog: {disabled: %s}}
        storage:
          cache: {blobdescriptor: inmemory}
          filesystem: {rootdirectory: %s}
        http: {addr: "127.0.0.1:%d"}
        """
            .formatted(!accessLog, data, port));
    var log = log(data).toFile();
    Process process =
        Commands.prepare(List.of(PROGRAM, "serve", config.toString()))
            .redirectErrorStream(true)
            .redirectOutput(log)
            .start();
    var registry = new LocalRegistry(process, data);
    try {
      registry.await(port);
    } catch (IOException e) {
      registry.close();
      throw new IOException(Files.readString(log.toPath()), e);
    }
    return registry;
  }

  private void await(int port) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_MILLIS * 1_000_000L;
    while (true) {
      try {
        var url = URI.create("http://127.0.0.1:" + port + "/v2/").toURL();
        var connection = (HttpURLConnection) url.openConnection();
        if (connection.getResponseCode() == HttpURLConnection.HTTP_OK) {
          connection.getInputStream().readAllBytes();
          return;
        }
        throw new IOException(url + " answers " + connection.getResponseCode());
      } catch (IOException e) {
        if (System.nanoTime() > deadline || !process.isAlive()) {
          throw e;
        }
        Thread.sleep(10);
      }
    }
  }

  private static Path log(Path data) {
    return data.resolve("log");
  }

  /** Its requests so far, if it writes them down. */
  AccessLog requests() throws IOException {
    return AccessLog.read(log(data));
  }

  long pid() {
    return process.pid();
  }

  /** Bytes of all blobs, manifests too. */
  long bytes() throws IOException {
    Path blobs = data.resolve("docker/registry/v2/blobs");
    if (!Files.isDirectory(blobs)) {
      return 0;
    }
    try (Stream<Path> files = Files.walk(blobs)) {
      return files
          .filter(file -> file.endsWith("data"))
          .mapToLong(file -> file.toFile().length())
          .sum();
    }
  }

  @Override
  public void close() throws InterruptedException {
    Commands.end(process);
  }
}
