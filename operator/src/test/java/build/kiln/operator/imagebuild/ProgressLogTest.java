package build.kiln.operator.imagebuild;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.work.Records;
import build.kiln.operator.job.ApiPodLogs;
import build.kiln.operator.job.PodLogs;
import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is asked of a log to know how far its builder is, and what is made of the answers. */
class ProgressLogTest {
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final String NONCE = "0123456789abcdef";

  /** Answers in turn, and notes how far back it was asked to go. */
  private static final class Answers implements PodLogs {
    final List<@Nullable Duration> asked = new ArrayList<>();
    private final List<Optional<String>> answers;

    Answers(List<Optional<String>> answers) {
      this.answers = answers;
    }

    @Override
    public Optional<String> tail(String namespace, String pod, String container, int lines) {
      asked.add(null);
      return answers.get(asked.size() - 1);
    }

    @Override
    public Optional<String> recent(
        String namespace, String pod, String container, int lines, Duration within) {
      asked.add(within);
      return answers.get(asked.size() - 1);
    }
  }

  @Test
  void onlyWhatIsNewIsAskedForAndWhatWasSaidIsRemembered() {
    var logs =
        new Answers(
            List.of(
                Optional.of(said(1)),
                Optional.of("a step prints\n"),
                Optional.empty(),
                Optional.of("more\n" + said(2))));
    var log = new ProgressLog(logs);

    assertThat(log.of("n", "p", NONCE, NOW)).map(Progress::step).hasValue(1);
    assertThat(log.of("n", "p", NONCE, NOW.plusSeconds(3))).map(Progress::step).hasValue(1);
    assertThat(log.of("n", "p", NONCE, NOW.plusSeconds(6))).map(Progress::step).hasValue(1);
    assertThat(log.of("n", "p", NONCE, NOW.plusSeconds(9))).map(Progress::step).hasValue(2);

    // What could not be read is asked for again.
    assertThat(logs.asked)
        .containsExactly(
            null, Duration.ofSeconds(3 + 2), Duration.ofSeconds(3 + 2), Duration.ofSeconds(6 + 2));
  }

  @Test
  void podsAreToldApart() {
    var log = new ProgressLog(new Answers(List.of(Optional.of(said(4)), Optional.of(""))));
    assertThat(log.of("n", "p", NONCE, NOW)).map(Progress::step).hasValue(4);
    assertThat(log.of("n", "q", NONCE, NOW)).isEmpty();
  }

  @Test
  void theApiServerIsAskedForAFewSecondsAndNotForTooMuch() throws IOException {
    var asked = new CopyOnWriteArrayList<String>();
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI().toString());
          var body = "hello\n".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    var config =
        new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty())
            .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
            .build();
    try (var client = new KubernetesClientBuilder().withConfig(config).build()) {
      var text = new ApiPodLogs(client).recent("n", "p", "builder", 1000, Duration.ofMillis(5001));
      assertThat(text).hasValue("hello\n");
    } finally {
      server.stop(0);
    }
    assertThat(asked)
        .filteredOn(request -> request.startsWith("/api/v1/namespaces/n/pods/p/log?"))
        .singleElement(InstanceOfAssertFactories.STRING)
        .contains("container=builder", "sinceSeconds=6", "tailLines=1000")
        .contains("limitBytes=" + ApiPodLogs.MOST_BYTES);
  }

  private static String said(int step) {
    return Records.progress(NONCE, new Progress(step, 5, "RUN make")) + "\n";
  }
}
