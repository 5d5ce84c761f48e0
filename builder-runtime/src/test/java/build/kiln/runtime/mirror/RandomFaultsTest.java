package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.embedded.Contents;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Registries that fail at random: never a wrong byte, never a tag before its content, and the next
 * run without faults completes what is missing. {@code -Dmirror.faults=1000} for more of them.
 */
class RandomFaultsTest {
  private static final String SPEC =
      """
      source: {registry: SRC, repositories: [a, b]}
      destination: {prefix: DST}
      tags: {all: true}
      referrers: true
      """;

  static LongStream seeds() {
    return LongStream.range(0, Integer.getInteger("mirror.faults", 25));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsThereIsRightAndTheNextRunCompletesIt(long seed) throws IOException {
    Random random = new Random(seed);
    try (var registries = new Registries()) {
      fill(registries);
      for (int i = random.nextInt(1, 12); i > 0; i--) {
        order(random, registries.source);
        order(random, registries.destination);
      }

      MirrorResult faulty = run(registries);

      Set<String> complete = check(registries);
      assertThat(faulty.observed()).isPositive();
      assertThat(faulty.reason().isPresent()).isEqualTo(faulty.failed() > 0);
      if (faulty.failed() == 0) {
        assertThat(complete).hasSize(6);
      }
      registries.source.faults().clear();
      registries.destination.faults().clear();

      MirrorResult clean = run(registries);

      assertThat(clean.shown()).noneMatch(image -> image.reason() != null);
      assertThat(check(registries)).hasSize(6);
    }
  }

  private static void fill(Registries registries) throws IOException {
    registries.image(registries.from("a:1"), 1, 2);
    registries.image(registries.from("a:2"), 1, 3);
    registries.index(registries.from("a:all"), "linux/amd64", "linux/arm64");
    registries.image(registries.from("b:1"), 1, 2, 3, 4);
    registries.image(registries.from("b:2"), 2, 5);
    var signed = registries.image(registries.from("b:signed"), 6);
    registries.referrer(registries.from("b"), signed, "example/signature", "signature");
  }

  private static void order(Random random, EmbeddedRegistry registry) {
    String method = List.of("GET", "HEAD", "POST", "PUT", "*").get(random.nextInt(5));
    String path =
        List.of("manifests", "blobs", "uploads", "tags", "referrers").get(random.nextInt(5));
    boolean reads = method.equals("GET") || method.equals("HEAD");
    Fault fault =
        switch (random.nextInt(10)) {
          case 0 -> Fault.status(500);
          case 1 -> Fault.status(503);
          case 2 -> Fault.status(429, Map.of("Retry-After", "1"));
          case 3 -> Fault.status(404);
          case 4 -> Fault.status(403);
          case 5 -> Fault.cutAnswer(random.nextInt(20_000));
          case 6 -> Fault.cutRequest(random.nextInt(20_000));
          case 7 -> Fault.corruptAnswer();
          // A success that is none, to a write, is not to be found out: reads only.
          case 8 ->
              reads
                  ? Fault.content("application/json", "{\"schemaVersion\":2,\"conf")
                  : Fault.status(502);
          default -> Fault.status(401);
        };
    if (random.nextInt(4) == 0) {
      registry.faults().times(random.nextInt(1, 20), method, path, fault);
    } else {
      registry.faults().nth(random.nextInt(1, 10), method, path, fault);
    }
  }

  private static MirrorResult run(Registries registries) throws IOException {
    String spec =
        SPEC.replace("SRC", registries.source.host()).replace("DST", registries.destination.host());
    return new MirrorRun(
            new YAMLMapper().readValue(spec, ImageMirrorSpec.class),
            "test",
            registries.client,
            registries.client,
            Optional.empty(),
            Bandwidth.UNLIMITED,
            repository -> true,
            new MirrorListener() {})
        .run();
  }

  /** The tags of the destination, each with all that it stands for, as the source has it. */
  private static Set<String> check(Registries registries) {
    Set<String> complete = new HashSet<>();
    Contents from = registries.source.contents();
    Contents to = registries.destination.contents();
    for (String repository : to.repositories()) {
      for (String tag : to.tags(repository)) {
        Digest digest = to.tag(repository, tag).orElseThrow();
        assertThat(from.tag(repository, tag)).contains(digest);
        checkManifest(from, to, repository, digest);
        complete.add(repository + ":" + tag);
      }
    }
    return complete;
  }

  private static void checkManifest(Contents from, Contents to, String repository, Digest digest) {
    byte[] bytes = to.manifest(repository, digest).orElseThrow();
    assertThat(bytes).isEqualTo(from.manifest(repository, digest).orElseThrow());
    JsonNode document = Json.read(bytes, JsonNode.class, "manifest");
    for (JsonNode child : document.path("manifests")) {
      checkManifest(from, to, repository, Digest.parse(child.path("digest").asText()));
    }
    // A registry takes no blob whose content is not that of its digest.
    if (document.has("config")) {
      assertThat(to.blobs(repository))
          .contains(Digest.parse(document.path("config").path("digest").asText()));
    }
    for (JsonNode layer : document.path("layers")) {
      assertThat(to.blobs(repository)).contains(Digest.parse(layer.path("digest").asText()));
    }
  }
}
