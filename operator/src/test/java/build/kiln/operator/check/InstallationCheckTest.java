package build.kiln.operator.check;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.operator.quickstart.EmbeddedApiServer;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class InstallationCheckTest {
  private EmbeddedApiServer server;
  private HttpServer operator;
  private int readiness = 200;

  @BeforeEach
  void start() throws IOException {
    server = EmbeddedApiServer.start(0);
    operator = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    operator.createContext(
        "/readyz",
        exchange -> {
          byte[] body = "informers: not synced".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(readiness, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    operator.start();
  }

  @AfterEach
  void stop() {
    operator.stop(0);
    server.close();
  }

  @Test
  void passesWhereAnOperatorWritesTheStatus() throws Exception {
    try (var watch =
        server
            .client()
            .resources(ImageBuild.class)
            .inNamespace("default")
            .watch(new StatusWriter())) {
      assertThat(watch).isNotNull();
      var output = check(true, Duration.ofSeconds(30));
      assertThat(output).contains("ok: the operator wrote the status of default/kiln-check-");
    }
    assertThat(builds()).isEmpty();
  }

  @Test
  void failsWhereNoOperatorLooks() throws Exception {
    assertThat(check(false, Duration.ofSeconds(1)))
        .contains("ok: the API took the ImageBuild default/kiln-check-")
        .contains("failed: the operator wrote no status on default/kiln-check-");
    assertThat(builds()).isEmpty();
  }

  @Test
  void failsWhereTheOperatorIsNotReady() throws Exception {
    readiness = 503;
    assertThat(check(false, Duration.ofSeconds(1)))
        .contains("/readyz answers 503: informers: not synced")
        .doesNotContain("ok:");
  }

  @Test
  void failsWhereNothingAnswers() throws Exception {
    operator.stop(0);
    assertThat(check(false, Duration.ofSeconds(1))).contains("/readyz does not answer: ");
  }

  private List<ImageBuild> builds() {
    return server.client().resources(ImageBuild.class).inAnyNamespace().list().getItems();
  }

  private String check(boolean passes, Duration patience) throws Exception {
    var bytes = new ByteArrayOutputStream();
    var uri = URI.create("http://127.0.0.1:" + operator.getAddress().getPort() + "/readyz");
    try (var http = HttpClient.newHttpClient();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      var check = new InstallationCheck(server.client(), http, patience);
      assertThat(check.run(uri, "default", out)).isEqualTo(passes);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** Does what the operator does with a suspended build, as far as the check can see. */
  private final class StatusWriter implements Watcher<ImageBuild> {
    @Override
    public void eventReceived(Action action, ImageBuild build) {
      if (action == Action.ADDED) {
        server
            .client()
            .resource(build)
            .subresource("status")
            .patch(
                PatchContext.of(PatchType.JSON_MERGE), "{\"status\": {\"observedGeneration\": 1}}");
      }
    }

    @Override
    public void onClose(WatcherException cause) {}
  }
}
