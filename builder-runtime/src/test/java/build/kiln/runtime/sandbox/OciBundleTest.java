package build.kiln.runtime.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OciBundleTest {
  @TempDir Path directory;

  /** In a container, the builder is process 1. */
  @ParameterizedTest
  @ValueSource(longs = {1, 4711})
  void anInheritedProcHidesTheBuilder(long builder) throws Exception {
    var config = SandboxConfig.of(directory.resolve("scratch"), true);
    var bundle = new OciBundle(directory, OwnIds.read().groups(), HostFiles.read(config), builder);
    var command = new Command(List.of("true"), List.of(), "/", 0, 0, List.of());
    JsonNode written =
        new ObjectMapper()
            .readTree(bundle.write(directory, Recipe.INHERITED_PROC, "host", command));
    assertThat(written.at("/linux/maskedPaths").valueStream().map(JsonNode::asText))
        .contains("/proc/1", "/proc/" + builder)
        .doesNotHaveDuplicates();
  }
}
