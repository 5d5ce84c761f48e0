package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What points at a manifest (distribution-spec 1.1, "Listing Referrers"). */
class ReferrersTest {
  private static final String EMPTY = "{}";

  /** A registry that lists no referrers. */
  private static Bench withoutReferrers() throws IOException {
    return new Bench(EmbeddedRegistry.Options.defaults().referrers(false));
  }

  private static byte[] signature(RegistryClient client, Bench bench, Descriptor of, int number)
      throws IOException {
    Descriptor empty = Bench.push(client, bench.ref("a"), EMPTY.getBytes(StandardCharsets.UTF_8));
    return Json.write(
        new Manifest(
            2,
            MediaTypes.OCI_MANIFEST,
            "example/signature",
            empty.withMediaType(MediaTypes.OCI_EMPTY),
            List.of(),
            of,
            Map.of("number", String.valueOf(number))));
  }

  private static Descriptor push(RegistryClient client, Bench bench, byte[] referrer)
      throws IOException {
    return client.pushReferrer(
        bench.ref("a").withDigest(Digest.ofBytes(referrer)), referrer, MediaTypes.OCI_MANIFEST);
  }

  private static List<Digest> listed(RegistryClient client, Bench bench, Descriptor subject)
      throws IOException {
    return client.referrers(bench.ref("a"), subject.digest()).stream()
        .map(Descriptor::digest)
        .toList();
  }

  private static String index(Digest... digests) {
    return new String(
        Json.write(
            new Index(
                2,
                MediaTypes.OCI_INDEX,
                null,
                List.of(digests).stream()
                    .map(digest -> Descriptor.of(MediaTypes.OCI_MANIFEST, digest, 10))
                    .toList(),
                null,
                null)),
        StandardCharsets.UTF_8);
  }

  @Test
  void theListIsFollowedToItsLastPage() throws IOException {
    Digest first = Digest.ofBytes(new byte[] {1});
    Digest second = Digest.ofBytes(new byte[] {2});
    Digest subject = Bench.unknownDigest();
    String path = "/v2/a/referrers/" + subject;
    try (var registry = new Scripted();
        var bench = new Bench();
        var client = bench.client()) {
      registry.on("GET", "/v2/", Scripted.answer(200, EMPTY));
      registry.once(
          "GET",
          path,
          Scripted.answer(200, index(first), "Link", "<" + path + "?page=2>; rel=\"next\""));
      registry.once("GET", path, Scripted.answer(200, index(second)));

      assertThat(client.referrers(registry.ref("a"), subject))
          .extracting(Descriptor::digest)
          .containsExactly(first, second);
      assertThat(registry.seen("GET", path))
          .extracting(seen -> seen.uri().getQuery())
          .containsExactly(null, "page=2");
    }
  }

  @Test
  void onlyA404SaysThatARegistryListsNone() throws IOException {
    try (var bench = new Bench();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");
      Descriptor signature = push(client, bench, signature(client, bench, image, 1));
      bench.registry.faults().once("GET", "/referrers/", Fault.error(403, "DENIED", "not yours"));

      assertThatThrownBy(() -> client.referrers(bench.ref("a"), image.digest()))
          .isInstanceOfSatisfying(
              RegistryException.class, e -> assertThat(e.code()).isEqualTo(Code.DENIED));
      bench.registry.faults().times(2, "GET", "/referrers/", Fault.status(500));
      assertThat(listed(client, bench, image)).containsExactly(signature.digest());
      assertThat(bench.registry.requests().count("GET", "/manifests/sha256-")).isZero();
    }
  }

  @Test
  void whereThereIsNoListTheTagIsReadAndTheListNotAskedForAgain() throws IOException {
    try (var bench = withoutReferrers();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");
      Descriptor signature = push(client, bench, signature(client, bench, image, 1));

      assertThat(listed(client, bench, image)).containsExactly(signature.digest());
      assertThat(listed(client, bench, image)).containsExactly(signature.digest());
      assertThat(bench.registry.requests().count("GET", "/referrers/")).isEqualTo(1);
      assertThat(client.referrers(bench.ref("a"), image.digest()).getFirst().artifactType())
          .isEqualTo("example/signature");
    }
  }

  @Test
  void aSubjectThatIsNotThereSaysNothingOfTheRegistry() throws IOException {
    try (var bench = new Bench();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");
      Descriptor signature = push(client, bench, signature(client, bench, image, 1));
      bench
          .registry
          .faults()
          .once("GET", "/referrers/", Fault.error(404, "MANIFEST_UNKNOWN", "no such subject"));

      assertThat(client.referrers(bench.ref("a"), Bench.unknownDigest())).isEmpty();
      assertThat(listed(client, bench, image)).containsExactly(signature.digest());
    }
  }

  @Test
  void whoListsAtTheSameTimeLosesNothing() throws IOException {
    try (var bench = withoutReferrers();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");

      Concurrently.all(
          IntStream.range(0, 16).boxed().toList(),
          number -> push(client, bench, signature(client, bench, image, number)));

      assertThat(listed(client, bench, image)).hasSize(16).doesNotHaveDuplicates();
    }
  }

  @Test
  void whatAnotherOverwroteIsWrittenAgain() throws IOException {
    try (var bench = withoutReferrers();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");
      byte[] signature = signature(client, bench, image, 1);
      // Taken, and gone again before anybody reads it.
      bench.registry.faults().once("PUT", "/manifests/sha256-", Fault.status(201));

      Descriptor pushed = push(client, bench, signature);

      assertThat(listed(client, bench, image)).containsExactly(pushed.digest());
      assertThat(bench.registry.requests().count("PUT", "/manifests/sha256-")).isEqualTo(2);
    }
  }

  @Test
  void anUpdateThatIsAlwaysOverwrittenIsSaid() throws IOException {
    try (var bench = withoutReferrers();
        var client = bench.client()) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{\"a\":1}");
      byte[] signature = signature(client, bench, image, 1);
      bench.registry.faults().always("PUT", "/manifests/sha256-", Fault.status(201));

      assertThatThrownBy(() -> push(client, bench, signature))
          .hasMessageContaining("others write it at the same time");
    }
  }
}
