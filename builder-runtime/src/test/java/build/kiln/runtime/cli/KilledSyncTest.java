package build.kiln.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.BlobSource;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RealRegistry;
import build.kiln.runtime.registry.RealRegistry.Program;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that mirrors to a registry of others, and is killed by SIGKILL on the way. */
class KilledSyncTest {
  private static final int IMAGES = 12;
  private static final int LAYER = 700_000;
  private static final int SIGKILL = 137;

  @TempDir Path folder;
  private final RegistryClient client =
      new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous());
  private final Map<String, Descriptor> layers = new LinkedHashMap<>();
  private EmbeddedRegistry source;

  @BeforeEach
  void start() throws IOException {
    source = EmbeddedRegistry.start();
    for (int i = 0; i < IMAGES; i++) {
      image("app:" + i, i);
    }
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    source.close();
  }

  private void image(String name, int seed) throws IOException {
    Reference target = source.reference(name);
    byte[] content = new byte[LAYER];
    new Random(seed).nextBytes(content);
    byte[] config = ("{\"of\":" + seed + "}").getBytes(StandardCharsets.UTF_8);
    Descriptor layer = Descriptor.ofBytes(MediaTypes.OCI_LAYER, content);
    Descriptor stored = Descriptor.ofBytes(MediaTypes.OCI_CONFIG, config);
    client.pushBlob(target, layer, BlobSource.of(content), List.of());
    client.pushBlob(target, stored, BlobSource.of(config), List.of());
    client.pushManifest(
        target, Json.write(Manifest.oci(stored, List.of(layer), null)), MediaTypes.OCI_MANIFEST);
    layers.put(name, layer);
  }

  @Test
  void theNextRunGoesOnWhereItWas() throws Exception {
    try (var destination =
        RealRegistry.start(Program.DISTRIBUTION_2, folder.resolve("registry"), "", "")) {
      Process killed = sync(destination, "bandwidth: 1Mi\n  concurrency: 3");
      List<JsonNode> before = lines(killed, 3);
      killed.destroyForcibly();

      assertThat(killed.waitFor()).isEqualTo(SIGKILL);
      assertThat(before).hasSize(3);
      List<String> tagged = client.listTags(destination.ref("copy/app"));
      assertThat(tagged).hasSizeBetween(3, IMAGES - 1);
      for (String tag : tagged) {
        isWhole(destination, "app:" + tag);
      }
      long missing = 0;
      for (Descriptor layer : layers.values()) {
        missing += client.hasBlob(destination.ref("copy/app"), layer.digest()) ? 0 : layer.size();
      }

      Process next = sync(destination, "concurrency: 3");
      List<JsonNode> after = lines(next, Integer.MAX_VALUE);

      assertThat(next.waitFor()).isZero();
      JsonNode counts = after.getLast();
      assertThat(counts.path("observed").asInt()).isEqualTo(IMAGES);
      assertThat(counts.path("copied").asInt()).isEqualTo(IMAGES - tagged.size());
      assertThat(counts.path("copiedBytes").asLong())
          .as("layers that were missing, and configurations of a few bytes")
          .isBetween(missing, missing + IMAGES * 100L);
      for (String name : layers.keySet()) {
        isWhole(destination, name);
      }
    }
  }

  private Process sync(RealRegistry destination, String more) throws IOException {
    Path manifest =
        Files.writeString(
            folder.resolve("mirror.yaml"),
            """
            apiVersion: kiln.build/v1alpha1
            kind: ImageMirror
            metadata: {name: app}
            spec:
              source: {registry: "%s", repositories: [app]}
              destination: {prefix: "%s/copy"}
              tags: {all: true}
              %s
            """
                .formatted(source.host(), destination.host(), more));
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "build.kiln.runtime.cli.Main",
            "sync",
            "--json",
            "-f",
            manifest.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Lines of its output, until there are so many that tell of a copy, or to its end. */
  private static List<JsonNode> lines(Process process, int copies) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    var out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    int copied = 0;
    while (copied < copies) {
      String line = out.readLine();
      if (line == null) {
        return lines;
      }
      JsonNode json = Json.tree(line);
      lines.add(json);
      copied += json.path("result").asText().equals("Copied") ? 1 : 0;
    }
    return lines;
  }

  private void isWhole(RealRegistry destination, String name) throws IOException {
    Reference copy = destination.ref("copy/" + name);
    assertThat(client.fetchManifest(copy).bytes())
        .isEqualTo(client.fetchManifest(source.reference(name)).bytes());
    try (InputStream in = client.openBlob(copy, Objects.requireNonNull(layers.get(name)))) {
      assertThat(in.readAllBytes()).hasSize(LAYER);
    }
  }
}
