package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import build.kiln.runtime.mirror.CopyException.Reason;
import build.kiln.runtime.mirror.CopyOptions.Overwrite;
import build.kiln.runtime.mirror.CopyResult.Outcome;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Credentials;
import build.kiln.runtime.registry.RegistryClient;
import build.kiln.runtime.registry.RegistryConfig;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One image from registry to registry. */
class ImageCopierTest {
  private Registries registries;
  private ImageCopier copier;

  @BeforeEach
  void start() throws IOException {
    registries = new Registries();
    copier = registries.copier(CopyOptions.ALL);
  }

  @AfterEach
  void stop() throws IOException {
    registries.close();
  }

  @Test
  void anImageComesWithItsBlobsAndItsTagLast() throws IOException {
    Descriptor image = registries.image(registries.from("a/b:1"), 1, 2);
    registries.clearRequests();

    CopyResult result = copier.copy(registries.from("a/b:1"), registries.to("c:x"));

    assertThat(result.outcome()).isEqualTo(Outcome.COPIED);
    assertThat(result.image()).isEqualTo(image);
    assertThat(result.copiedBytes()).isGreaterThan(40_000);
    assertThat(result.mountedBytes()).isZero();
    assertSame("a/b", "c", image.digest());
    assertThat(registries.destination.contents().tag("c", "x")).contains(image.digest());
    assertThat(registries.destination.contents().blobs("c"))
        .isEqualTo(registries.source.contents().blobs("a/b"));
    assertThat(registries.destination.requests().all().getLast())
        .hasToString("PUT /v2/c/manifests/x");
  }

  @Test
  void whatIsUpToDateCostsOneHeadAtEachEnd() throws IOException {
    registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
    copier.copy(registries.from("a:1"), registries.to("a:1"));
    registries.clearRequests();

    CopyResult again =
        registries.copier(CopyOptions.ALL).copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(again.outcome()).isEqualTo(Outcome.UP_TO_DATE);
    assertThat(registries.source.requests().all()).hasToString("[HEAD /v2/a/manifests/1]");
    assertThat(registries.destination.requests().all()).hasToString("[HEAD /v2/a/manifests/1]");
  }

  @Test
  void anImageAloneCostsOneHeadAtEachEndToo() throws IOException {
    registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
    Reference from = registries.from("a:1");
    assertThat(copier.copyAlone(from, registries.to("a:1")).outcome()).isEqualTo(Outcome.COPIED);
    registries.clearRequests();

    CopyResult again = registries.copier(CopyOptions.ALL).copyAlone(from, registries.to("a:1"));

    assertThat(again.outcome()).isEqualTo(Outcome.UP_TO_DATE);
    assertThat(registries.source.requests().all()).hasToString("[HEAD /v2/a/manifests/1]");
    assertThat(registries.destination.requests().all()).hasToString("[HEAD /v2/a/manifests/1]");
    Descriptor moved = registries.image(from, 2);
    assertThat(copier.copyAlone(from, registries.to("a:1")).image()).isEqualTo(moved);
    assertThat(registries.destination.contents().tag("a", "1")).contains(moved.digest());
  }

  /** Each end answers only when the other was asked. */
  @Test
  @Timeout(60)
  void bothEndsAreAskedAtOnce() throws IOException {
    registries.image(registries.from("a:1"), 1);
    copier.copy(registries.from("a:1"), registries.to("a:1"));
    for (String path : List.of("/v2/$", "manifests")) {
      var here = new CountDownLatch(1);
      var there = new CountDownLatch(1);
      registries.source.faults().once("*", path, new Fault.Hold(here, there));
      registries.destination.faults().once("*", path, new Fault.Hold(there, here));
    }

    // One that has to find out first what they speak.
    try (var client = new RegistryClient(RegistryConfig.defaults(), Credentials.anonymous())) {
      var fresh = new ImageCopier(client, client, CopyOptions.ALL, CopyListener.NONE);
      assertThat(fresh.copyAlone(registries.from("a:1"), registries.to("a:1")).outcome())
          .isEqualTo(Outcome.UP_TO_DATE);
    }
  }

  @Test
  void anImageAloneThatIsNotThereIsAnError() {
    assertThatThrownBy(() -> copier.copyAlone(registries.from("a:1"), registries.to("a:1")))
        .isInstanceOfSatisfying(
            CopyException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NotFound))
        .hasMessageContaining("it is not there");
  }

  @Test
  void anImageAloneIsNotOverwrittenWhereThatIsSaid() throws IOException {
    Descriptor old = registries.image(registries.to("a:1"), 1);
    registries.image(registries.from("a:1"), 2);

    CopyResult result =
        registries
            .copier(CopyOptions.ALL.overwrite(Overwrite.NEVER))
            .copyAlone(registries.from("a:1"), registries.to("a:1"));

    assertThat(result.outcome()).isEqualTo(Outcome.KEPT);
    assertThat(registries.destination.contents().tag("a", "1")).contains(old.digest());
  }

  @Test
  void aTagThatMovedIsMoved() throws IOException {
    registries.image(registries.from("a:1"), 1);
    copier.copy(registries.from("a:1"), registries.to("a:1"));
    Descriptor moved = registries.image(registries.from("a:1"), 2);

    assertThat(copier.copy(registries.from("a:1"), registries.to("a:1")).image()).isEqualTo(moved);
    assertThat(registries.destination.contents().tag("a", "1")).contains(moved.digest());
  }

  @Test
  void aTagThatMovesBetweenLookAndCopyIsCopiedAsItWasSeen() throws IOException {
    Descriptor seen = registries.image(registries.from("a:1"), 1);
    Descriptor[] other = new Descriptor[1];
    CopyListener moving =
        new CopyListener() {
          @Override
          public synchronized void moved(long bytes) {
            try {
              if (other[0] == null) {
                other[0] = registries.image(registries.from("a:1"), 2);
              }
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          }
        };

    new ImageCopier(registries.client, registries.client, CopyOptions.ALL, moving)
        .copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(other[0]).isNotEqualTo(seen);
    assertThat(registries.destination.contents().tag("a", "1")).contains(seen.digest());
  }

  @Test
  void neverOverwritesWhereThatIsSaid() throws IOException {
    Descriptor old = registries.image(registries.to("a:1"), 1);
    registries.image(registries.from("a:1"), 2);
    registries.clearRequests();

    CopyResult result =
        registries
            .copier(CopyOptions.ALL.overwrite(Overwrite.NEVER))
            .copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(result.outcome()).isEqualTo(Outcome.KEPT);
    assertThat(result.image().digest()).isEqualTo(old.digest());
    assertThat(registries.source.requests().all()).isEmpty();
    assertThat(registries.destination.contents().tag("a", "1")).contains(old.digest());
  }

  @Test
  void anImageIsCopiedByItsDigestAlone() throws IOException {
    Descriptor image = registries.image(registries.from("a:1"), 1);
    Reference from = registries.from("a").withDigest(image.digest());

    CopyResult first = copier.copy(from, registries.to("a"));
    CopyResult second = copier.copy(from, registries.to("a"));

    assertThat(List.of(first.outcome(), second.outcome()))
        .containsExactly(Outcome.COPIED, Outcome.UP_TO_DATE);
    assertThat(registries.destination.contents().tags("a")).isEmpty();
    assertSame("a", "a", image.digest());
  }

  @Test
  void anIndexWithinAnIndexComesWhole() throws IOException {
    Reference from = registries.from("a:1");
    Descriptor inner = registries.index(from, "linux/amd64", "linux/arm64");
    Descriptor artifact = registries.image(from, 7);
    Descriptor outer = registries.index(from, List.of(inner, artifact));

    copier.copy(from, registries.to("a:1"));

    assertSame("a", "a", outer.digest());
    assertSame("a", "a", inner.digest());
    assertSame("a", "a", artifact.digest());
    assertThat(registries.destination.contents().blobs("a"))
        .isEqualTo(registries.source.contents().blobs("a"));
    assertThat(registries.destination.contents().tags("a")).containsExactly("1");
  }

  @Test
  void bytesAreKeptWhateverTheyLookLike() throws IOException {
    Reference from = registries.from("charts/app:1");
    Descriptor config =
        registries.blob(from, "application/vnd.cncf.helm.config.v1+json", text("{ }"));
    Descriptor layer =
        registries.blob(from, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", text("chart"));
    byte[] manifest =
        text(
            """
            { "layers" : [ {"size":5, "digest":"%s", "mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip",
              "unheardOf": [1.50, null, "\\u00e9"]} ],
              "config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"%s","size":3},
              "unheardOf": {"b":1,"a":2},   "schemaVersion":2 }

            """
                .formatted(layer.digest(), config.digest()));
    Descriptor pushed = registries.client.pushManifest(from, manifest, MediaTypes.OCI_MANIFEST);

    copier.copy(from, registries.to("charts/app:1"));

    assertThat(registries.destination.contents().manifest("charts/app", pushed.digest()))
        .hasValueSatisfying(copy -> assertThat(copy).isEqualTo(manifest));
  }

  @Test
  void anyMediaTypeIsCopied() throws IOException {
    Reference from = registries.from("a:1");
    Descriptor blob = registries.blob(from, "application/wasm", text("wasm"));
    String type = "application/vnd.oci.artifact.manifest.v1+json";
    byte[] manifest =
        text(
            "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"artifactType\":\"x/y\",\"blobs\":[{\"mediaType\":\"application/wasm\",\"digest\":\"%s\",\"size\":4}]}"
                .formatted(type, blob.digest()));
    registries.client.pushManifest(from, manifest, type);

    Descriptor copy = copier.copy(from, registries.to("a:1")).image();

    assertThat(copy.mediaType()).isEqualTo(type);
    assertThat(registries.destination.contents().blobs("a")).containsExactly(blob.digest());
  }

  @Test
  void layersThatMayNotBeDistributedStayWhereTheyAre() throws IOException {
    Reference from = registries.from("a:1");
    Descriptor config = registries.blob(from, MediaTypes.OCI_CONFIG, text("{}"));
    byte[] manifest =
        text(
            "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"c\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":9,\"urls\":[\"https://windows.example/\"]}]}"
                .formatted(
                    MediaTypes.DOCKER_MANIFEST,
                    config.digest(),
                    MediaTypes.DOCKER_FOREIGN_LAYER_GZIP,
                    Digest.ofBytes(text("elsewhere"))));
    registries.client.pushManifest(from, manifest, MediaTypes.DOCKER_MANIFEST);

    assertThat(copier.copy(from, registries.to("a:1")).outcome()).isEqualTo(Outcome.COPIED);
  }

  @Test
  void aBlobOfSeveralImagesMovesOnce() throws IOException {
    registries.image(registries.from("a:1"), 1, 2);
    registries.image(registries.from("a:2"), 1, 3);
    registries.image(registries.from("b:1"), 1, 2, 4);
    registries.clearRequests();

    var results = new ConcurrentLinkedQueue<CopyResult>();
    build.kiln.runtime.registry.Concurrently.all(
        List.of("a:1", "a:2", "b:1"),
        name -> results.add(copier.copy(registries.from(name), registries.to("to/" + name))));

    for (int seed : IntStream.rangeClosed(1, 4).toArray()) {
      Digest layer = Digest.ofBytes(Registries.bytes(20_000, seed));
      assertThat(registries.source.requests().count("GET", layer.hex())).isEqualTo(1);
    }
    assertThat(results.stream().mapToLong(CopyResult::mountedBytes).sum())
        .isBetween(20_000L, 41_000L);
  }

  @Test
  void withinOneRegistryNoLayerMoves() throws IOException {
    registries.image(registries.from("a:1"), 1, 2);
    registries.image(registries.from("a:2"), 1, 3);
    registries.clearRequests();

    CopyResult one = copier.copy(registries.from("a:1"), registries.from("b/c:1"));
    CopyResult two = copier.copy(registries.from("a:2"), registries.from("b/c:2"));

    assertThat(one.mountedBytes()).isGreaterThan(40_000);
    assertThat(one.copiedBytes() + two.copiedBytes()).isZero();
    assertThat(registries.source.requests().count("GET", "/blobs/")).isZero();
    assertThat(registries.source.requests().count("PUT", "/blobs/")).isZero();
  }

  @Test
  void whatWasBrokenOffGoesOnWhereItWas() throws IOException {
    registries.image(registries.from("a:1"), 1, 2);
    registries.destination.faults().once("PUT", "manifests", Fault.status(403));
    assertFails(Reason.Denied, () -> copier.copy(registries.from("a:1"), registries.to("a:1")));
    assertThat(registries.destination.contents().tags("a")).isEmpty();
    registries.clearRequests();

    registries.copier(CopyOptions.ALL).copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(registries.source.requests().matching("GET", "/blobs/"))
        .as("only the small configuration")
        .hasSize(1);
    assertThat(registries.destination.contents().tags("a")).containsExactly("1");
  }

  @Test
  void aDestinationThatForgotABlobGetsItAgain() throws IOException {
    registries.image(registries.from("a:1"), 1);
    registries
        .destination
        .faults()
        .once("PUT", "manifests", Fault.error(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown"));

    copier.copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(registries.destination.contents().tags("a")).containsExactly("1");
    assertThat(registries.destination.requests().count("PUT", "manifests")).isEqualTo(2);
  }

  @Test
  void aDestinationThatForgotAnIndexsChildGetsItAgain() throws IOException {
    registries.index(registries.from("a:all"), "linux/amd64", "linux/arm64");
    registries
        .destination
        .faults()
        .once("PUT", "manifests/all", Fault.error(404, "MANIFEST_UNKNOWN", "manifest unknown"));

    copier.copy(registries.from("a:all"), registries.to("a:all"));

    assertThat(registries.destination.contents().tags("a")).containsExactly("all");
    assertThat(registries.destination.requests().count("PUT", "manifests/sha256"))
        .as("both children, and both again")
        .isEqualTo(4);
  }

  @Test
  void whatIsMissingIsFetchedAtOnce() throws IOException {
    registries.image(registries.from("a:1"), 1);
    registries.clearRequests();

    copier.copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(registries.source.requests().matching("*", "manifests"))
        .extracting(Object::toString)
        .containsExactly("GET /v2/a/manifests/1");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403})
  void aRefusalToSayIsTakenForAbsence(int status) throws IOException {
    registries.image(registries.from("a:1"), 1);
    registries.destination.faults().once("HEAD", "manifests", Fault.status(status));
    assertThat(status == 403).as("401 means what it says").isEqualTo(copies());
  }

  private boolean copies() throws IOException {
    try {
      copier.copy(registries.from("a:1"), registries.to("a:1"));
      return true;
    } catch (CopyException e) {
      assertThat(e.reason()).isEqualTo(Reason.Unauthorized);
      return false;
    }
  }

  @Test
  void cutsAreResumedAndRetried() throws IOException {
    Descriptor image = registries.image(registries.from("a:1"), 1, 2, 3);
    registries.source.faults().times(3, "GET", "/blobs/", Fault.cutAnswer(7_000));
    registries.destination.faults().times(2, "PUT", "/blobs/", Fault.cutRequest(5_000));
    registries.destination.faults().once("PUT", "/manifests/", Fault.status(503));

    CopyResult result = copier.copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(result.copiedBytes()).isLessThan(61_000);
    assertSame("a", "a", image.digest());
    assertThat(registries.destination.contents().blobs("a"))
        .isEqualTo(registries.source.contents().blobs("a"));
  }

  @Test
  void contentThatIsNotWhatItsDigestSaysGoesNowhere() throws IOException {
    registries.image(registries.from("a:1"), 1);
    String layer = Digest.ofBytes(Registries.bytes(20_000, 1)).hex();
    registries.source.faults().always("GET", layer, Fault.corruptAnswer());

    assertFails(
        Reason.InvalidContent, () -> copier.copy(registries.from("a:1"), registries.to("a:1")));

    assertThat(registries.destination.contents().tags("a")).isEmpty();
    assertThat(registries.destination.contents().blobs("a"))
        .noneMatch(blob -> blob.hex().equals(layer));
  }

  @Test
  void aManifestThatIsNotWhatItsDigestSaysGoesNowhere() throws IOException {
    registries.image(registries.from("a:1"), 1);
    registries.source.faults().always("GET", "manifests", Fault.corruptAnswer());

    assertFails(
        Reason.InvalidContent, () -> copier.copy(registries.from("a:1"), registries.to("a:1")));
  }

  @Test
  void aMissingChildIsSaid() throws IOException {
    registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
    Digest child = registries.platformImage(registries.from("a"), "linux/arm64").digest();
    registries.client.deleteManifest(registries.from("a").withDigest(child));

    assertFails(Reason.NotFound, () -> copier.copy(registries.from("a:1"), registries.to("a:1")))
        .hasMessageContaining(child.toString());
    assertThat(registries.destination.contents().tags("a")).isEmpty();
  }

  @Test
  void whatIsNotThereIsSaid() {
    assertFails(Reason.NotFound, () -> copier.copy(registries.from("a:1"), registries.to("a:1")))
        .hasMessageContaining("a:1");
  }

  @Test
  void schema1IsRefusedWithItsReason() {
    registries
        .source
        .faults()
        .always(
            "*",
            "manifests",
            Fault.content(MediaTypes.DOCKER_SCHEMA1_SIGNED, "{\"schemaVersion\":1}"));

    assertFails(Reason.Unsupported, () -> copier.copy(registries.from("a:1"), registries.to("a:1")))
        .hasMessageContaining("schema 1");
  }

  @Test
  void manifestsOf4MbAreCopiedAndOf40MbRefused() throws IOException {
    Reference from = registries.from("a:1");
    Descriptor config = registries.blob(from, MediaTypes.OCI_CONFIG, text("{}"));
    String manifest =
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"c\",\"digest\":\"%s\",\"size\":2},\"layers\":[],\"annotations\":{\"long\":\"%s\"}}";
    byte[] large =
        text(manifest.formatted(MediaTypes.OCI_MANIFEST, config.digest(), "x".repeat(4 << 20)));
    Descriptor pushed = registries.client.pushManifest(from, large, MediaTypes.OCI_MANIFEST);

    copier.copy(from, registries.to("a:1"));

    assertSame("a", "a", pushed.digest());
    registries
        .source
        .faults()
        .always(
            "*",
            "manifests",
            Fault.content(
                MediaTypes.OCI_MANIFEST,
                manifest.formatted(
                    MediaTypes.OCI_MANIFEST, config.digest(), "x".repeat(40 << 20))));
    assertFails(Reason.InvalidContent, () -> copier.copy(from, registries.to("b:1")))
        .hasMessageContaining("larger than");
  }

  @Test
  void aDestinationThatIsFullIsSaid() throws IOException {
    registries.image(registries.from("a:1"), 1);
    registries.destination.faults().always("PUT", "blobs", Fault.status(507));

    assertFails(
        Reason.RegistryUnavailable,
        () -> copier.copy(registries.from("a:1"), registries.to("a:1")));
    assertThat(registries.destination.contents().tags("a")).isEmpty();
  }

  @Test
  void indexesAreNotFollowedForEver() throws IOException {
    Reference from = registries.from("a:1");
    Descriptor index = registries.image(from, 1);
    for (int i = 0; i < 10; i++) {
      index = registries.index(from, List.of(index));
    }

    assertFails(Reason.InvalidContent, () -> copier.copy(from, registries.to("a:1")))
        .hasMessageContaining("nested deeper");
  }

  @Test
  void aListenerHearsOfBlobsAndManifests() throws IOException {
    registries.index(registries.from("a:1"), "linux/amd64", "linux/arm64");
    var heard = new ConcurrentLinkedQueue<String>();
    CopyListener listener =
        new CopyListener() {
          @Override
          public void manifest(Reference target, Descriptor manifest) {
            heard.add(target.identifier().replaceFirst("sha256.*", "child"));
          }
        };

    new ImageCopier(registries.client, registries.client, CopyOptions.ALL, listener)
        .copy(registries.from("a:1"), registries.to("a:1"));

    assertThat(heard).containsExactly("child", "child", "1");
  }

  private void assertSame(String from, String to, Digest digest) {
    byte[] expected = registries.source.contents().manifest(from, digest).orElseThrow();
    assertThat(registries.destination.contents().manifest(to, digest))
        .hasValueSatisfying(copy -> assertThat(copy).isEqualTo(expected));
  }

  private static org.assertj.core.api.AbstractThrowableAssert<?, ?> assertFails(
      Reason reason, ThrowingCallable copy) {
    return assertThatThrownBy(copy)
        .asInstanceOf(type(CopyException.class))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.THROWABLE);
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
