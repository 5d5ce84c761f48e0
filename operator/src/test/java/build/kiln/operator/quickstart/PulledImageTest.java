package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import org.junit.jupiter.api.Test;

class PulledImageTest {
  @Test
  void isWhatWasPushed() throws Exception {
    try (var registry = EmbeddedRegistry.start();
        var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      var base = BaseImage.make("amd64");
      var reference = registry.reference("library/busybox:1");
      base.pushTo(client, reference);

      var pulled = PulledImage.pull(client, reference);
      assertThat(pulled.digest()).isEqualTo(Digest.ofBytes(base.manifest()));
      assertThat(pulled.text("etc/group")).hasValue("root:x:0:\nnobody:x:65534:\n");
      assertThat(pulled.describe())
          .contains(pulled.digest().toString(), "linux/amd64", "[sh]", "bin");
    }
  }
}
