package build.kiln.runtime.registry;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Reference;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;

/** A registry's own program on loopback, with its data in a folder. */
public final class RealRegistry implements AutoCloseable {
  /** Which one, and where it is named if it is not on PATH. */
  public enum Program {
    /** Debian's docker-registry, or another distribution 2.8. */
    DISTRIBUTION_2("docker-registry", "KILN_DISTRIBUTION_2"),
    /**
     * {@code go install github.com/distribution/distribution/v3/cmd/registry@v3.1.2}: its name is
     * too common to be believed, so only the variable tells.
     */
    DISTRIBUTION_3("distribution-3", "KILN_DISTRIBUTION_3");

    private final String command;
    private final String variable;

    Program(String command, String variable) {
      this.command = command;
      this.variable = variable;
    }

    private Path assumeHere() {
      String named = System.getenv(variable);
      Optional<String> found =
          named != null && !named.isEmpty()
              ? Optional.of(named)
              : Executables.find(command, System.getenv("PATH"));
      assumeTrue(
          found.isPresent() && Files.isExecutable(Path.of(found.get())),
          "no " + command + " on PATH, and " + variable + " does not name one");
      return Path.of(found.orElseThrow());
    }
  }

  private final Process process;
  private final String host;

  private RealRegistry(Process process, String host) {
    this.process = process;
    this.host = host;
  }

  /**
   * Starts it, or skips the test.
   *
   * @param more YAML at the configuration's top level; {@code http} has {@code httpMore} in it
   */
  public static RealRegistry start(Program program, Path folder, String httpMore, String more)
      throws IOException {
    Path binary = program.assumeHere();
    Files.createDirectories(folder);
    int port = freePort();
    Path config = folder.resolve("config.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: error, accesslog: {disabled: true}}
        storage:
          filesystem: {rootdirectory: %s}
          delete: {enabled: true}
        http:
          addr: "127.0.0.1:%d"
          secret: test
        %s%s
        """
            .formatted(folder.resolve("data"), port, httpMore.indent(2), more));
    var builder = new ProcessBuilder(List.of(binary.toString(), "serve", config.toString()));
    builder.environment().put("OTEL_TRACES_EXPORTER", "none");
    builder.environment().put("OTEL_METRICS_EXPORTER", "none");
    builder.environment().put("OTEL_LOGS_EXPORTER", "none");
    Process process =
        builder.redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    var registry = new RealRegistry(process, "127.0.0.1:" + port);
    try {
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(20))
          .until(() -> !process.isAlive() || listens(port));
    } catch (RuntimeException e) {
      registry.close();
      throw e;
    }
    if (!process.isAlive()) {
      throw new AssertionError(Files.readString(folder.resolve("log")));
    }
    return registry;
  }

  private static boolean listens(int port) {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  public String host() {
    return host;
  }

  public Reference ref(String repositoryWithTag) {
    return Reference.parse(host + "/" + repositoryWithTag);
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
