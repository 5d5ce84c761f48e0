package build.kiln.runtime.cli.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildSpec;
import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicySpec;
import build.kiln.api.v1alpha1.KilnResource;
import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

class PlainValuesTest {
  private static JsonNode yaml(String text) {
    return YamlReader.read("test", text).getFirst().json();
  }

  /** Resources of our own kinds among the examples. */
  static List<JsonNode> examples() throws IOException {
    List<JsonNode> resources = new ArrayList<>();
    try (Stream<Path> files = Files.walk(Path.of("../examples"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList()) {
        YamlReader.read(file.toString(), Files.readString(file)).stream()
            .map(Tree::json)
            .filter(json -> json.path("apiVersion").asText().equals("kiln.build/v1alpha1"))
            .forEach(resources::add);
      }
    }
    assertThat(resources).hasSizeGreaterThan(8);
    return resources;
  }

  private static Class<? extends KilnResource<?, ?>> type(JsonNode resource) {
    return switch (resource.path("kind").asText()) {
      case "ImageBuild" -> ImageBuild.class;
      case "ImageMirror" -> ImageMirror.class;
      case "ImagePrunePolicy" -> ImagePrunePolicy.class;
      default -> throw new AssertionError(resource);
    };
  }

  private static Class<? extends Record> specType(JsonNode resource) {
    return switch (resource.path("kind").asText()) {
      case "ImageBuild" -> ImageBuildSpec.class;
      case "ImageMirror" -> ImageMirrorSpec.class;
      default -> ImagePrunePolicySpec.class;
    };
  }

  @ParameterizedTest
  @MethodSource("examples")
  void whatIsReadIsWhatJacksonReads(JsonNode resource) throws IOException {
    KilnResource<?, ?> wanted = Json.mapper().treeToValue(resource, type(resource));
    Optional<? extends Record> spec = PlainValues.read(resource.get("spec"), specType(resource));
    // Pods and quantities are for Jackson.
    boolean plain =
        Stream.of("podTemplate", "tolerations", "size", "maxSize")
            .noneMatch(n -> resource.findValue(n) != null);
    assertThat(spec.isPresent()).isEqualTo(plain);
    spec.ifPresent(read -> assertThat(read).isEqualTo(wanted.getSpec()));
    assertThat(PlainValues.metadata(resource.get("metadata"))).contains(wanted.getMetadata());
  }

  @Test
  void allThatIsPlainInAMirrorIsRead() throws IOException {
    JsonNode spec =
        yaml(
            """
            source:
              registry: "registry.example:5000"
              repositories: [a, "b/**"]
              secretRef: {name: pull}
            destination: {prefix: mirror.example/x, secretRef: {name: push}}
            tags: {semver: ">=1 <3", latest: 3, exclude: ["*-rc*"], regex: "^v", list: [a]}
            platforms: [linux/amd64]
            rewrite: true
            referrers: true
            artifactTypes: [a/b]
            overwrite: Never
            deletions: Sync
            maxDeletionPercent: 7
            verify: {publicKeyRef: {name: key, key: cosign.pub}}
            schedule: "0 3 * * *"
            timeZone: Europe/Zurich
            interval: 1h
            suspend: true
            dryRun: true
            concurrency: 3
            timeout: 2h
            history: {succeeded: 1, failed: 2, ttl: 1h}
            """);
    assertThat(PlainValues.read(spec, ImageMirrorSpec.class))
        .contains(Json.mapper().treeToValue(spec, ImageMirrorSpec.class));
  }

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> NOT_PLAIN =
      List.of(
          Arguments.of("bandwidth: 20Mi", "a quantity"),
          Arguments.of("podTemplate: {resources: {limits: {cpu: 1}}}", "a pod's resources"),
          Arguments.of("concurrency: 1.5", "a fraction"),
          Arguments.of("concurrency: 99999999999", "too large"),
          Arguments.of("concurrency: '3'", "a text"),
          Arguments.of("rewrite: 'true'", "a text"),
          Arguments.of("timeout: 6", "a number"),
          Arguments.of("overwrite: always", "no such constant"),
          Arguments.of("overwrite: 1", "a number for a constant"),
          Arguments.of("platforms: linux", "no list"),
          Arguments.of("source: here", "no object"),
          Arguments.of("source: {digests: [1]}", "a number in a list"));

  @ParameterizedTest(name = "{1}")
  @FieldSource("NOT_PLAIN")
  void whatIsNotPlainIsNotRead(String spec, String why) {
    assertThat(PlainValues.read(yaml(spec), ImageMirrorSpec.class)).isEmpty();
  }

  @ParameterizedTest
  @FieldSource("METADATA")
  void metadataThatNobodyWritesIsNotRead(String metadata) {
    assertThat(PlainValues.metadata(yaml(metadata))).isEmpty();
  }

  @SuppressWarnings("unused") // read by FieldSource
  private static final List<String> METADATA =
      List.of(
          "{name: a, generation: 3}",
          "{name: a, ownerReferences: []}",
          "{name: 1}",
          "{name: a, labels: {b: 1}}",
          "{name: a, labels: [b]}",
          "[a]");
}
