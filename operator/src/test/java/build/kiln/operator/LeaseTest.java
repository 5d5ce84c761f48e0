package build.kiln.operator;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.operator.job.Admission;
import build.kiln.operator.quickstart.EmbeddedApiServer;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectRulesReviewBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.fabric8.mockwebserver.http.Dispatcher;
import io.fabric8.mockwebserver.http.MockResponse;
import io.fabric8.mockwebserver.http.RecordedRequest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LeaseTest {
  @ParameterizedTest
  @CsvSource({"me,''", "other,other"})
  void isGivenBackByItsHolderOnly(String holder, String after) {
    try (var server = EmbeddedApiServer.start(0)) {
      var leases = server.client().leases().inNamespace("default");
      leases
          .resource(
              new LeaseBuilder()
                  .withNewMetadata()
                  .withName("kiln")
                  .withNamespace("default")
                  .endMetadata()
                  .withNewSpec()
                  .withHolderIdentity(holder)
                  .withLeaseDurationSeconds(15)
                  .endSpec()
                  .build())
          .create();
      var election = new KilnOperator.Election("default", "me", () -> {});

      KilnOperator.release(server.client(), "kiln", election);
      KilnOperator.release(server.client(), "none", election);

      assertThat(leases.withName("kiln").get().getSpec().getHolderIdentity()).isEqualTo(after);
    }
  }

  private static final class Replica implements AutoCloseable {
    final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final KilnOperator operator;

    Replica(EmbeddedApiServer server, String identity) {
      operator =
          KilnOperator.start(
              new KilnOperator.Parts(
                  server.client(),
                  Serialization.unmarshal("builderImage: kiln/builder:test", Settings.class),
                  (namespace, pod, container, lines) -> Optional.empty(),
                  Admission.ofEverything(),
                  Clock.systemUTC(),
                  metrics,
                  new KilnOperator.Election("default", identity, () -> {})));
    }

    double accepted() {
      var counter = metrics.find("kiln.builds.started").counter();
      return counter == null ? 0 : counter.count();
    }

    @Override
    public void close() {
      operator.close();
    }
  }

  /** The SDK asks before it stands for election. */
  private static Dispatcher withRights(Dispatcher next) {
    return new Dispatcher() {
      @Override
      public MockResponse dispatch(RecordedRequest request) {
        return request.getPath().endsWith("/selfsubjectrulesreviews")
            ? new MockResponse()
                .setResponseCode(201)
                .setHeader("Content-Type", "application/json")
                .setBody(
                    Serialization.asJson(
                        new SelfSubjectRulesReviewBuilder()
                            .withNewStatus()
                            .addNewResourceRule()
                            .withApiGroups("coordination.k8s.io")
                            .withResources("leases")
                            .withVerbs("*")
                            .endResourceRule()
                            .endStatus()
                            .build()))
            : next.dispatch(request);
      }

      @Override
      public void shutdown() {
        next.shutdown();
      }

      @Override
      public void releaseResources() {
        next.releaseResources();
      }
    };
  }

  @Test
  void oneLeadsAndTheOtherTakesOver() {
    try (var server = EmbeddedApiServer.start(0, LeaseTest::withRights)) {
      var first = new Replica(server, "first");
      awaitHolder(server, "first");
      try (var second = new Replica(server, "second")) {
        apply(server, "one");
        awaitJobs(server, 1);
        assertThat(first.accepted()).isEqualTo(1);
        assertThat(second.accepted()).isZero();

        first.close();
        awaitHolder(server, "second");
        apply(server, "two");
        awaitJobs(server, 2);
        assertThat(second.accepted()).isEqualTo(1);
        assertThat(first.accepted()).isEqualTo(1);
      }
    }
  }

  private static void awaitHolder(EmbeddedApiServer server, String identity) {
    Awaitility.await(identity + " leads")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> server.client().leases().inNamespace("default").list().getItems(),
            leases ->
                leases.stream()
                    .anyMatch(lease -> identity.equals(lease.getSpec().getHolderIdentity())));
  }

  private static void awaitJobs(EmbeddedApiServer server, int number) {
    Awaitility.await(number + " Jobs")
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> server.client().batch().v1().jobs().inNamespace("default").list().getItems(),
            jobs -> jobs.size() == number);
  }

  private static void apply(EmbeddedApiServer server, String name) {
    server
        .client()
        .resource(
            Serialization.unmarshal(
                """
                apiVersion: kiln.build/v1alpha1
                kind: ImageBuild
                metadata: {name: %s, namespace: default, generation: 1}
                spec:
                  dockerfile: {inline: FROM scratch}
                  output: {image: registry.example.com/x}
                """
                    .formatted(name),
                ImageBuild.class))
        .create();
  }
}
