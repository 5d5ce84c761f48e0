package build.kiln.runtime.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs against Debian's docker-registry, distribution 2.8: it lists no referrers, and deletes
 * manifests if its configuration allows it, with all their tags, but no single tag.
 */
class DockerRegistryRunTest extends RunContract {
  private static final Path PROGRAM = Path.of("/usr/bin/docker-registry");

  @TempDir Path data;
  private @Nullable Process process;

  @Override
  String start() throws IOException {
    return start(true);
  }

  private String start(boolean deletes) throws IOException {
    assumeTrue(Files.isExecutable(PROGRAM), "Debian's docker-registry is not installed");
    int port;
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    Path config = data.resolve("config-" + port + ".yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: error, accesslog: {disabled: true}}
        storage:
          delete: {enabled: %s}
          filesystem: {rootdirectory: %s}
        http: {addr: "127.0.0.1:%d"}
        """
            .formatted(deletes, data.resolve("registry"), port));
    stop();
    process =
        new ProcessBuilder(List.of(PROGRAM.toString(), "serve", config.toString()))
            .redirectErrorStream(true)
            .redirectOutput(data.resolve("log").toFile())
            .start();
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(
            () -> {
              try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
              }
            });
    return "127.0.0.1:" + port;
  }

  @AfterEach
  void stop() {
    if (process != null) {
      process.destroyForcibly().onExit().join();
    }
  }

  @Override
  boolean deletesTags() {
    return false;
  }

  @Test
  void withDeletionOffItIsAskedOnceAndSaysSo() throws IOException {
    String host = start(false);
    try (var other = new Desk(host, folder.resolve("other"))) {
      other.image("app:pr-1", "a");
      other.image("app:pr-2", "b");
      other.plan(other.policy(1), InUse.NOTHING, "app");
      other.clock.advance(Duration.ofDays(10));
      other.image("app:pr-3", "c");
      Plan plan = other.plan(other.policy(1), InUse.NOTHING, "app");

      RunReport report = other.executor().execute(plan, "");

      assertThat(report.conditions())
          .extracting(RunReport.Condition::type)
          .containsExactly(RunReport.ConditionType.DeleteUnsupported);
      assertThat(report.deleted()).isZero();
      assertThat(other.client.listTags(other.ref("app"))).hasSize(3);
    }
  }
}
