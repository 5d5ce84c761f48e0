package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.mirror.CopyOptions.Referrers;
import build.kiln.runtime.mirror.CopyResult.Outcome;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry.Options;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parts of images, and what points at them. */
class PlatformAndReferrerTest {
  private static final CopyOptions WITH_REFERRERS = CopyOptions.ALL.referrers(Referrers.ALL);

  private static CopyOptions platforms(boolean rewrite, String... names) {
    return CopyOptions.ALL.platforms(
        List.of(names).stream().map(Platform::parse).toList(), rewrite);
  }

  @Test
  void aSparseIndexKeepsItsDigest() throws IOException {
    try (var registries =
        new Registries(Options.defaults(), Options.defaults().sparseIndexes(true))) {
      Reference from = registries.from("a:1");
      Descriptor index = registries.index(from, "linux/amd64", "linux/arm64", "linux/s390x");
      ImageCopier copier = registries.copier(platforms(false, "linux/arm64", "linux/riscv64"));

      Descriptor copy = copier.copy(from, registries.to("a:1")).image();

      assertThat(copy).isEqualTo(index);
      Digest wanted = registries.platformImage(from, "linux/arm64").digest();
      Digest other = registries.platformImage(from, "linux/amd64").digest();
      assertThat(registries.destination.contents().manifest("a", wanted)).isPresent();
      assertThat(registries.destination.contents().manifest("a", other)).isEmpty();
      assertThat(copier.copy(from, registries.to("a:1")).outcome()).isEqualTo(Outcome.UP_TO_DATE);
    }
  }

  @Test
  void aRegistryThatTakesNoSparseIndexIsTold() throws IOException {
    try (var registries = new Registries()) {
      registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
      ImageCopier copier = registries.copier(platforms(false, "linux/arm64"));

      assertThatThrownBy(() -> copier.copy(registries.from("a:1"), registries.to("a:1")))
          .asInstanceOf(type(CopyException.class))
          .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.SparseIndexUnsupported))
          .satisfies(e -> assertThat(e.getMessage()).contains("without 1 of its manifests"));
      assertThat(registries.destination.contents().tags("a")).isEmpty();
      assertThat(registries.destination.requests().count("PUT", "manifests/1")).isEqualTo(1);
    }
  }

  @Test
  void anIndexIsRewrittenWhereThatIsAsked() throws IOException {
    try (var registries = new Registries()) {
      Reference from = registries.from("a:1");
      Descriptor inner = registries.index(from, "linux/amd64", "linux/arm64");
      Descriptor plain = registries.platformImage(from, "linux/arm64");
      Descriptor index =
          registries.index(
              from, List.of(inner, plain, registries.platformImage(from, "windows/amd64")));
      ImageCopier copier = registries.copier(platforms(true, "linux/arm64"));

      Descriptor copy = copier.copy(from, registries.to("a:1")).image();

      assertThat(copy.digest()).isNotEqualTo(index.digest());
      assertThat(registries.destination.contents().tag("a", "1")).contains(copy.digest());
      List<Descriptor> kept = manifests(registries, copy.digest());
      assertThat(kept).hasSize(2).element(1).isEqualTo(plain);
      assertThat(manifests(registries, kept.getFirst().digest())).containsExactly(plain);
      registries.clearRequests();
      assertThat(copier.copy(from, registries.to("a:1")).outcome()).isEqualTo(Outcome.UP_TO_DATE);
      assertThat(registries.destination.requests().all()).hasSize(1);
    }
  }

  private static List<Descriptor> manifests(Registries registries, Digest index) {
    byte[] bytes = registries.destination.contents().manifest("a", index).orElseThrow();
    return Json.read(bytes, Index.JSON, "index").manifests();
  }

  @Test
  void attestationsGoWithTheImageThatTheyAreOf() throws IOException {
    try (var registries = new Registries()) {
      Reference from = registries.from("a:1");
      Descriptor arm = registries.platformImage(from, "linux/arm64");
      Descriptor amd = registries.platformImage(from, "linux/amd64");
      Descriptor ofArm = attestation(registries.image(registries.from("a"), 11), arm);
      Descriptor ofAmd = attestation(registries.image(registries.from("a"), 12), amd);
      registries.index(from, List.of(arm, amd, ofArm, ofAmd));

      Descriptor copy =
          registries
              .copier(platforms(true, "linux/arm64"))
              .copy(from, registries.to("a:1"))
              .image();

      assertThat(manifests(registries, copy.digest())).containsExactly(arm, ofArm);
    }
  }

  private static Descriptor attestation(Descriptor manifest, Descriptor of) {
    return new Descriptor(
        manifest.mediaType(),
        manifest.digest(),
        manifest.size(),
        null,
        Map.of("vnd.docker.reference.digest", of.digest().toString()),
        null,
        Platform.of("unknown", "unknown", null),
        null);
  }

  @Test
  void aPlatformThatIsNotThereIsSaid() throws IOException {
    try (var registries = new Registries()) {
      registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
      ImageCopier copier = registries.copier(platforms(false, "linux/s390x"));

      assertThatThrownBy(() -> copier.copy(registries.from("a:1"), registries.to("a:1")))
          .asInstanceOf(type(CopyException.class))
          .satisfies(e -> assertThat(e.reason()).isEqualTo(Reason.PlatformNotFound))
          .satisfies(
              e -> assertThat(e.getMessage()).contains("linux/s390x", "linux/amd64, linux/arm64"));
    }
  }

  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void referrersComeBeforeTheTag(boolean sourceLists, boolean destinationLists) throws IOException {
    try (var registries =
        new Registries(
            Options.defaults().referrers(sourceLists),
            Options.defaults().referrers(destinationLists))) {
      Reference from = registries.from("a:1");
      Descriptor image = registries.image(from, 1);
      Descriptor sbom = registries.referrer(from, image, "application/spdx+json", "sbom");
      Descriptor signature = registries.referrer(from, image, "example/signature", "signature");
      Descriptor ofSbom = registries.referrer(from, sbom, "example/signature", "of the SBOM");

      CopyResult result = registries.copier(WITH_REFERRERS).copy(from, registries.to("a:1"));

      assertThat(result.outcome()).isEqualTo(Outcome.COPIED);
      assertThat(digests(registries, image))
          .containsExactlyInAnyOrder(sbom.digest(), signature.digest());
      assertThat(digests(registries, sbom)).containsExactly(ofSbom.digest());
      assertThat(registries.destination.requests().matching("PUT", "manifests").getLast())
          .hasToString("PUT /v2/a/manifests/1");
      assertThat(registries.copier(WITH_REFERRERS).copy(from, registries.to("a:1")).outcome())
          .isEqualTo(Outcome.UP_TO_DATE);

      Descriptor later = registries.referrer(from, image, "example/signature", "later");
      assertThat(registries.copier(WITH_REFERRERS).copy(from, registries.to("a:1")).outcome())
          .isEqualTo(Outcome.COPIED);
      assertThat(digests(registries, image)).contains(later.digest()).hasSize(3);
    }
  }

  private static List<Digest> digests(Registries registries, Descriptor subject)
      throws IOException {
    return registries.client.referrers(registries.to("a"), subject.digest()).stream()
        .map(Descriptor::digest)
        .toList();
  }

  @Test
  void referrersAreChosenByTheirType() throws IOException {
    try (var registries = new Registries()) {
      Reference from = registries.from("a:1");
      Descriptor image = registries.image(from, 1);
      Descriptor sbom = registries.referrer(from, image, "application/spdx+json", "sbom");
      registries.referrer(from, image, "example/signature", "signature");
      registries.image(cosign(from, image, ".sig"), 5);

      registries
          .copier(CopyOptions.ALL.referrers(new Referrers(Set.of("application/spdx+json"))))
          .copy(from, registries.to("a:1"));

      assertThat(digests(registries, image)).containsExactly(sbom.digest());
      assertThat(registries.destination.contents().tags("a")).containsExactly("1");
    }
  }

  private static Reference cosign(Reference repository, Descriptor image, String suffix) {
    return repository.withTag("sha256-" + image.digest().hex() + suffix);
  }

  @Test
  void referrersOfTheImagesInAnIndexComeToo() throws IOException {
    try (var registries = new Registries()) {
      Reference from = registries.from("a:1");
      registries.index(from, "linux/amd64", "linux/arm64");
      Descriptor arm = registries.platformImage(from, "linux/arm64");
      Descriptor sbom = registries.referrer(from, arm, "application/spdx+json", "sbom");

      registries.copier(WITH_REFERRERS).copy(from, registries.to("a:1"));

      assertThat(digests(registries, arm)).containsExactly(sbom.digest());
    }
  }

  @Test
  void cosignsTagsComeWithTheImage() throws IOException {
    try (var registries = new Registries()) {
      Reference from = registries.from("a:1");
      Descriptor image = registries.image(from, 1);
      Descriptor signature = registries.image(cosign(from, image, ".sig"), 5);
      registries.image(cosign(from, image, ".att"), 6);

      registries.copier(WITH_REFERRERS).copy(from, registries.to("b:1"));

      String tag = String.valueOf(cosign(from, image, ".sig").tag());
      assertThat(registries.destination.contents().tag("b", tag)).contains(signature.digest());
      assertThat(registries.destination.contents().tags("b")).hasSize(3);
      Descriptor more = registries.image(cosign(from, image, ".sig"), 5, 8);
      registries.copier(WITH_REFERRERS).copy(from, registries.to("b:1"));
      assertThat(registries.destination.contents().tag("b", tag)).contains(more.digest());
    }
  }
}
