package build.kiln.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class EndpointsTest {
  @Test
  void answersHealthReadinessAndMetrics() throws Exception {
    var metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    metrics.counter("kiln.builds.started", "cause", "Created").increment();
    var ready = new AtomicBoolean();
    try (var endpoints = Endpoints.start(0, metrics, ready::get)) {
      assertThat(get(endpoints, "/healthz").statusCode()).isEqualTo(200);
      assertThat(get(endpoints, "/readyz").statusCode()).isEqualTo(503);
      ready.set(true);
      assertThat(get(endpoints, "/readyz").statusCode()).isEqualTo(200);
      assertThat(get(endpoints, "/metrics").body())
          .contains("kiln_builds_started_total{cause=\"Created\"} 1.0");
      assertThat(get(endpoints, "/other").statusCode()).isEqualTo(404);
    }
  }

  private static HttpResponse<String> get(Endpoints endpoints, String path) throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(
                  URI.create("http://127.0.0.1:%d%s".formatted(endpoints.port(), path)))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }
}
