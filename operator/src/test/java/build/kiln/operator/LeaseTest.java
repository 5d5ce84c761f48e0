package build.kiln.operator;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.operator.quickstart.EmbeddedApiServer;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
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
}
