package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Manifest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.embedded.Fault;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of a mirror between two registries. */
class MirrorRunTest {
  private Registries registries;
  private final Queue<Image> heard = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void start() throws IOException {
    registries = new Registries();
  }

  @AfterEach
  void stop() throws IOException {
    registries.close();
  }

  private MirrorResult run(String spec) throws IOException {
    return run(spec, Optional.empty());
  }

  private MirrorResult run(String spec, Optional<ImageVerifier> verifier) throws IOException {
    String hosts =
        spec.replace("SRC", registries.source.host()).replace("DST", registries.destination.host());
    return new MirrorRun(
            new YAMLMapper().readValue(hosts, ImageMirrorSpec.class),
            "default/test",
            registries.client,
            registries.client,
            verifier,
            Bandwidth.UNLIMITED,
            repository -> !repository.repository().startsWith("forbidden"),
            new MirrorListener() {
              @Override
              public void image(Image image) {
                heard.add(image);
              }
            })
        .run();
  }

  private static final String ALL =
      """
      source: {repository: SRC/a}
      destination: {repository: DST/a}
      tags: {all: true}
      """;

  private void tags(String repository, int... seeds) throws IOException {
    for (int seed : seeds) {
      registries.image(registries.from(repository + ":" + seed), seed);
    }
  }

  @Test
  void allTagsAreCopiedAndThenNothing() throws IOException {
    tags("a", 1, 2, 3);

    MirrorResult first = run(ALL);
    registries.clearRequests();
    MirrorResult second = run(ALL);

    assertThat(first).returns(3, MirrorResult::observed).returns(3, MirrorResult::copied);
    assertThat(first.copiedBytes()).isGreaterThan(60_000);
    assertThat(second)
        .returns(3, MirrorResult::observed)
        .returns(3, MirrorResult::upToDate)
        .returns(0L, MirrorResult::copiedBytes)
        .returns(Optional.empty(), MirrorResult::reason);
    assertThat(second.shown()).isEmpty();
    assertThat(registries.source.requests().all()).hasSize(4);
    assertThat(registries.destination.requests().all()).hasSize(3);
    assertThat(heard).hasSize(6);
  }

  private static final int MANY = 12;

  private void manyTags() throws IOException {
    tags("a", IntStream.range(0, MANY).toArray());
    registries.clearRequests();
  }

  private int looks() {
    return registries.destination.requests().count("HEAD", "manifests");
  }

  private void assertAllCopied() {
    for (int tag = 0; tag < MANY; tag++) {
      assertThat(registries.destination.contents().tag("a", "" + tag))
          .isEqualTo(registries.source.contents().tag("a", "" + tag));
    }
  }

  @Test
  void manyTagsOfANewRepositoryAreLookedUpByOneList() throws IOException {
    manyTags();

    assertThat(run(ALL)).returns(MANY, MirrorResult::copied);

    assertThat(looks()).isEqualTo(1);
    assertThat(registries.destination.requests().count("GET", "tags/list")).isEqualTo(1);
    // Blobs that are hardly there are not looked for either.
    assertThat(registries.destination.requests().count("HEAD", "blobs")).isZero();
    assertThat(registries.source.requests().count("HEAD", "")).isZero();
    assertAllCopied();
  }

  @Test
  void whereAllTagsAreThereNoListIsAsked() throws IOException {
    manyTags();
    run(ALL);
    registries.clearRequests();

    assertThat(run(ALL)).returns(MANY, MirrorResult::upToDate);

    assertThat(looks()).isEqualTo(MANY);
    assertThat(registries.destination.requests().all()).hasSize(MANY);
    assertThat(registries.source.requests().matching("HEAD", "manifests"))
        .hasSize(MANY)
        .allSatisfy(request -> assertThat(request.header("If-None-Match")).isPresent());
  }

  @Test
  void newTagsAmongMany() throws IOException {
    manyTags();
    run(ALL);
    // Versions are looked at before others.
    for (String version : List.of("v1.0.0", "v1.1.0", "v1.2.0")) {
      registries.image(registries.from("a:" + version), version.hashCode());
    }
    registries.clearRequests();

    assertThat(run(ALL)).returns(3, MirrorResult::copied).returns(MANY, MirrorResult::upToDate);

    assertThat(registries.destination.requests().count("GET", "tags/list")).isEqualTo(1);
    // The first version; the last, by which the list is checked; all others.
    assertThat(looks()).isEqualTo(2 + MANY);
  }

  @Test
  void aListThatIsRefusedIsDoneWithout() throws IOException {
    manyTags();
    registries.destination.faults().always("GET", "tags/list", Fault.status(403));

    assertThat(run(ALL)).returns(MANY, MirrorResult::copied);

    assertThat(looks()).isEqualTo(MANY);
    assertAllCopied();
  }

  private void list(String tags) {
    registries
        .destination
        .faults()
        .always("GET", "tags/list", Fault.content("application/json", "{\"tags\":" + tags + "}"));
  }

  /** Also where what is new comes last by name, as builds with dates do. */
  @Test
  void aListThatIsCutIsNotBelieved() throws IOException {
    manyTags();
    run(ALL);
    registries.image(registries.from("a:v1.0.0"), 99);
    registries.image(registries.from("a:z-1"), 98);
    registries.image(registries.from("a:z-2"), 97);
    registries.clearRequests();
    list("[\"0\",\"1\",\"10\",\"11\",\"2\",\"3\"]");

    assertThat(run(ALL)).returns(3, MirrorResult::copied).returns(MANY, MirrorResult::upToDate);

    assertThat(registries.destination.requests().count("PUT", "manifests")).isEqualTo(3);
  }

  @Test
  void aListThatCannotBeCheckedIsNotBelieved() throws IOException {
    manyTags();
    run(ALL);
    registries.image(registries.from("a:v1.0.0"), 99);
    registries.clearRequests();
    list("[\"0\",\"1\",\"10\",\"11\"]");
    registries.destination.faults().always("HEAD", "manifests/2", Fault.status(400));

    assertThat(run(ALL))
        .returns(1, MirrorResult::copied)
        .returns(MANY - 1, MirrorResult::upToDate)
        .returns(1, MirrorResult::failed);
  }

  @Test
  void whatIsNeverOverwrittenIsLookedAtItself() throws IOException {
    manyTags();
    Descriptor old = registries.image(registries.to("a:5"), 99);
    list("[]");

    assertThat(run(ALL + "overwrite: Never\n")).returns(MANY - 1, MirrorResult::copied);

    assertThat(registries.destination.contents().tag("a", "5")).contains(old.digest());
  }

  /** What an earlier run left of a large blob is looked for even where there is no tag yet. */
  @Test
  void aLargeBlobIsLookedForInANewRepositoryToo() throws IOException {
    manyTags();
    byte[] large = Registries.bytes(2 << 20, 1);
    Descriptor layer = registries.blob(registries.from("a:large"), MediaTypes.OCI_LAYER, large);
    registries.blob(registries.to("a:large"), MediaTypes.OCI_LAYER, large);
    Descriptor config =
        registries.blob(registries.from("a:large"), MediaTypes.OCI_CONFIG, new byte[] {'{', '}'});
    registries.client.pushManifest(
        registries.from("a:large"),
        Json.write(Manifest.oci(config, List.of(layer), null)),
        MediaTypes.OCI_MANIFEST);
    registries.clearRequests();

    assertThat(run(ALL)).returns(MANY + 1, MirrorResult::copied);

    assertThat(registries.source.requests().count("GET", "blobs/" + layer.digest())).isZero();
  }

  @Test
  void whatFailsHindersNothingElse() throws IOException {
    tags("a", 1, 2, 3);
    registries.source.faults().always("*", "manifests/2", Fault.status(403));

    MirrorResult result = run(ALL);

    assertThat(result).returns(2, MirrorResult::copied).returns(1, MirrorResult::failed);
    assertThat(result.reason()).contains(MirrorFailureReason.Denied);
    assertThat(result.retryable()).isFalse();
    Image failed = result.shown().getFirst();
    assertThat(failed)
        .returns(Result.Failed, Image::result)
        .returns(registries.from("a:2").toString(), Image::source)
        .returns(MirrorFailureReason.Denied, Image::reason);
    assertThat(failed.message()).contains("tried to");
    registries.source.faults().clear();
    assertThat(run(ALL)).returns(1, MirrorResult::copied).returns(2, MirrorResult::upToDate);
  }

  @Test
  void aTagThatGoesBetweenListAndCopyIsToldAndTheNextRunKnowsItNot() throws IOException {
    tags("a", 1, 2);
    registries.source.faults().once("*", "manifests/2", Fault.status(404));

    MirrorResult result = run(ALL);

    assertThat(result).returns(1, MirrorResult::copied).returns(1, MirrorResult::failed);
    assertThat(result.shown().getFirst())
        .returns(registries.from("a:2").toString(), Image::source)
        .returns(MirrorFailureReason.NotFound, Image::reason);
    assertThat(registries.destination.contents().tags("a")).containsExactly("1");
  }

  @Test
  void aRegistryThatIsDownIsWorthAnotherRun() throws IOException {
    registries.source.faults().always("*", "tags", Fault.status(503));

    MirrorResult result = run(ALL);

    assertThat(result.reason()).contains(MirrorFailureReason.RegistryUnavailable);
    assertThat(result.retryable()).isTrue();
  }

  @Test
  void repositoriesAreFoundByGlob() throws IOException {
    tags("team/a", 1);
    tags("team/b", 2);
    tags("other", 3);
    String spec =
        """
        source: {registry: SRC, repositories: ['team/*', notthere]}
        destination: {prefix: DST/mirror}
        tags: {all: true}
        """;

    MirrorResult result = run(spec);

    assertThat(registries.destination.contents().repositories())
        .containsExactly("mirror/team/a", "mirror/team/b");
    assertThat(result).returns(2, MirrorResult::copied).returns(1, MirrorResult::failed);
    assertThat(result.reason()).contains(MirrorFailureReason.NotFound);
  }

  @Test
  void aCatalogThatIsRefusedIsSaid() throws IOException {
    registries.source.faults().always("GET", "_catalog", Fault.status(404));

    MirrorResult result =
        run(
            """
            source: {registry: SRC, repositories: ['*']}
            destination: {prefix: DST}
            tags: {all: true}
            """);

    assertThat(result.failed()).isEqualTo(1);
    assertThat(result.shown().getFirst().message()).contains("list the repositories");
  }

  @Test
  void digestsAreCopiedWithoutTags() throws IOException {
    Descriptor image = registries.image(registries.from("a:1"), 1);

    MirrorResult result =
        run(
            "source: {repository: SRC/a, digests: ['%s']}\ndestination: {repository: DST/a}"
                .formatted(image.digest()));

    assertThat(result.copied()).isEqualTo(1);
    assertThat(registries.destination.contents().tags("a")).isEmpty();
    assertThat(registries.destination.contents().manifest("a", image.digest())).isPresent();
  }

  @Test
  void theInstallationSaysWhereTo() throws IOException {
    tags("a", 1);

    MirrorResult result = run(ALL.replace("DST/a", "DST/forbidden/a"));

    assertThat(result.reason()).contains(MirrorFailureReason.RegistryNotAllowed);
    assertThat(registries.destination.requests().all()).isEmpty();
  }

  @Test
  void aDryRunWritesNothing() throws IOException {
    tags("a", 1, 2);
    registries.image(registries.to("a:1"), 1);
    registries.clearRequests();

    MirrorResult result = run(ALL + "dryRun: true\ndeletions: Sync\n");

    assertThat(result).returns(1, MirrorResult::copied).returns(1, MirrorResult::upToDate);
    assertThat(registries.destination.requests().all())
        .allMatch(request -> request.method().equals("HEAD") || request.method().equals("GET"));
    assertThat(registries.destination.contents().tags("a")).containsExactly("1");
  }

  @Test
  void onlyWhatThisMirrorWroteIsDeleted() throws IOException {
    registries.image(registries.to("a:foreign"), 9);
    tags("a", 1, 2, 3, 4);
    String sync = ALL + "deletions: Sync\nmaxDeletionPercent: 50\n";
    run(sync);
    Descriptor moved = registries.image(registries.to("a:3"), 7);
    for (String gone : List.of("2", "3")) {
      registries.client.deleteManifest(registries.from("a:" + gone));
    }

    MirrorResult dry = run(sync + "dryRun: true\n");
    assertThat(dry.deleted()).isEqualTo(2);
    MirrorResult result = run(sync);

    assertThat(result.deleted()).isEqualTo(1);
    assertThat(registries.destination.contents().tags("a"))
        .filteredOn(tag -> !MirrorRecord.isTag(tag))
        .containsExactly("1", "3", "4", "foreign");
    assertThat(registries.destination.contents().tag("a", "3")).contains(moved.digest());
  }

  @Test
  void tooManyAreNotDeletedAtOnce() throws IOException {
    tags("a", 1, 2, 3, 4, 5);
    run(ALL + "deletions: Sync\n");
    registries.client.deleteManifest(registries.from("a:1"));
    registries.client.deleteManifest(registries.from("a:2"));

    MirrorResult result = run(ALL + "deletions: Sync\n");

    assertThat(result.reason()).contains(MirrorFailureReason.TooManyDeletions);
    assertThat(result.deleted()).isZero();
    assertThat(registries.destination.contents().tags("a")).hasSize(6);
    assertThat(run(ALL + "deletions: Sync\nmaxDeletionPercent: 40\n").deleted()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 405})
  void aRegistryThatDeletesManifestsOnlyLosesTheTagAndNothingElse(int status) throws IOException {
    tags("a", 1, 2, 3, 4, 5);
    registries.image(registries.from("a:also"), 1);
    String sync = ALL + "deletions: Sync\n";
    run(sync);
    registries.client.deleteManifest(registries.from("a:1"));
    registries.destination.faults().always("DELETE", "manifests/[0-9]$", Fault.status(status));

    assertThat(run(sync)).returns(1, MirrorResult::deleted).returns(0, MirrorResult::failed);

    assertThat(registries.destination.contents().tags("a"))
        .contains("also", "2")
        .doesNotContain("1");
    Digest kept = registries.destination.contents().tag("a", "also").orElseThrow();
    assertThat(registries.destination.contents().manifest("a", kept)).isPresent();
  }

  @Test
  void aRegistryThatDeletesNothingKeepsItsTags() throws IOException {
    tags("a", 1, 2, 3, 4, 5);
    String sync = ALL + "deletions: Sync\n";
    run(sync);
    registries.client.deleteManifest(registries.from("a:1"));
    registries.destination.faults().always("DELETE", "manifests", Fault.status(405));
    Digest before = registries.destination.contents().tag("a", "1").orElseThrow();

    MirrorResult result = run(sync);

    assertThat(result.reason()).contains(MirrorFailureReason.Unsupported);
    assertThat(registries.destination.contents().tag("a", "1")).contains(before);
    registries.destination.faults().clear();
    assertThat(run(sync).deleted()).isEqualTo(1);
  }

  @Test
  void theFirstFiftyAreShown() throws IOException {
    tags("a", IntStream.range(0, 60).toArray());
    registries.source.faults().always("*", "manifests/59", Fault.status(404));

    MirrorResult result = run(ALL);

    assertThat(result.observed()).isEqualTo(60);
    assertThat(result.shown()).hasSize(50);
    assertThat(result.shown().getFirst().result()).isEqualTo(Result.Failed);
  }

  @Test
  void onlySignedImagesAreCopied() throws IOException, GeneralSecurityException {
    KeyPair keys = pair();
    Descriptor good = registries.image(registries.from("a:good"), 1);
    registries.image(registries.from("a:unsigned"), 2);
    Descriptor byOther = registries.image(registries.from("a:other"), 3);
    Descriptor ofOther = registries.image(registries.from("a:swapped"), 4);
    sign(good, payload(good), keys);
    sign(byOther, payload(byOther), pair());
    sign(ofOther, payload(good), keys);

    MirrorResult result =
        run(ALL, Optional.of(new CosignVerifier(registries.client, List.of(keys.getPublic()))));

    assertThat(result).returns(1, MirrorResult::copied).returns(3, MirrorResult::failed);
    assertThat(result.reason()).contains(MirrorFailureReason.SignatureNotVerified);
    assertThat(registries.destination.contents().tags("a")).containsExactly("good");
  }

  private static KeyPair pair() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static String payload(Descriptor image) {
    return "{\"critical\":{\"identity\":{\"docker-reference\":\"x\"},\"image\":{\"docker-manifest-digest\":\"%s\"},\"type\":\"cosign container image signature\"},\"optional\":null}"
        .formatted(image.digest());
  }

  private void sign(Descriptor image, String payload, KeyPair keys)
      throws IOException, GeneralSecurityException {
    Reference tag = registries.from("a:sha256-" + image.digest().hex() + ".sig");
    byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initSign(keys.getPrivate());
    signature.update(bytes);
    String text = Base64.getEncoder().encodeToString(signature.sign());
    Descriptor blob =
        registries.blob(tag, "application/vnd.dev.cosign.simplesigning.v1+json", bytes);
    Descriptor layer =
        new Descriptor(
            blob.mediaType(),
            blob.digest(),
            blob.size(),
            null,
            Map.of("dev.cosignproject.cosign/signature", text),
            null,
            null,
            null);
    Descriptor config =
        registries.blob(tag, MediaTypes.OCI_CONFIG, "{}".getBytes(StandardCharsets.UTF_8));
    registries.client.pushManifest(
        tag, Json.write(Manifest.oci(config, List.of(layer), null)), MediaTypes.OCI_MANIFEST);
  }

  @Test
  void keysAreReadFromPem() throws GeneralSecurityException {
    String pem =
        "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n"
            .formatted(Base64.getMimeEncoder().encodeToString(pair().getPublic().getEncoded()));
    assertThat(CosignVerifier.keys(pem + pem)).hasSize(2);
    assertThatThrownBy(() -> CosignVerifier.keys("hello"))
        .isInstanceOf(IllegalArgumentException.class);
    String rsa =
        Base64.getEncoder()
            .encodeToString(
                KeyPairGenerator.getInstance("RSA").generateKeyPair().getPublic().getEncoded());
    assertThatThrownBy(
            () ->
                CosignVerifier.keys(
                    "-----BEGIN PUBLIC KEY-----\n" + rsa + "\n-----END PUBLIC KEY-----"))
        .hasMessageContaining("P-256");
  }

  @Test
  void theBandwidthIsKept() throws IOException {
    long[] now = {0};
    var bandwidth = new Bandwidth(1000, () -> now[0], wait -> now[0] += wait.toNanos());
    bandwidth.take(500);
    bandwidth.take(1500);
    assertThat(now[0]).isEqualTo(2_000_000_000L);
    now[0] = 10_000_000_000L;
    bandwidth.take(1000);
    assertThat(now[0]).as("nothing is saved up").isEqualTo(11_000_000_000L);
  }
}
