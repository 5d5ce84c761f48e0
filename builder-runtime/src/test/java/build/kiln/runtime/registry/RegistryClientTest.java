package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.PushResult.How;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.embedded.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client does with a registry that is well. */
class RegistryClientTest {
  private Bench bench;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
    client = bench.client();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    bench.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4096, 1_000_003})
  void aBlobComesBackAsItWent(int size) throws IOException {
    byte[] bytes = Bench.bytes(size, size);
    Reference repository = bench.ref("a/b");
    Descriptor blob = Bench.blob(bytes);

    PushResult pushed = client.pushBlob(repository, blob, BlobSource.of(bytes), List.of());

    assertThat(pushed).isEqualTo(new PushResult(How.UPLOADED, size));
    try (InputStream in = client.openBlob(repository, blob)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes);
      assertThat(in.read()).isEqualTo(-1);
    }
    assertThat(client.hasBlob(repository, blob.digest())).isTrue();
    assertThat(client.hasBlob(bench.ref("other"), blob.digest())).isFalse();
  }

  @Test
  void aBlobThatIsThereIsNotSent() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    Descriptor blob = Bench.push(client, bench.ref("a"), bytes);
    bench.registry.requests().clear();

    PushResult again =
        client.pushBlob(
            bench.ref("a"),
            blob,
            () -> {
              throw new AssertionError("must not be read");
            },
            List.of());

    assertThat(again).isEqualTo(new PushResult(How.EXISTED, 0));
    assertThat(bench.registry.requests().all())
        .hasToString("[HEAD /v2/a/blobs/" + blob.digest() + "]");
  }

  @Test
  void aBlobOfAnotherRepositoryIsMounted() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    Descriptor blob = Bench.push(client, bench.ref("has"), bytes);
    bench.registry.requests().clear();

    PushResult result =
        client.pushBlob(
            bench.ref("wants"),
            blob,
            () -> {
              throw new AssertionError("must not be read");
            },
            List.of(
                Reference.parse("elsewhere.example/has"),
                bench.ref("wants"),
                bench.ref("hasnot"),
                bench.ref("has")));

    assertThat(result).isEqualTo(new PushResult(How.MOUNTED, 0));
    assertThat(client.hasBlob(bench.ref("wants"), blob.digest())).isTrue();
    // The other registry and the target itself are no sources; the session of the first answer
    // that was not a mount is given back.
    assertThat(bench.registry.requests().matching("POST", "uploads")).hasSize(2);
    assertThat(bench.registry.requests().count("DELETE", "uploads")).isEqualTo(1);
    assertThat(bench.registry.requests().count("PUT", "")).isZero();
  }

  @Test
  void aMountThatIsNotDoneBecomesAnUploadInItsSession() throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);

    PushResult result =
        client.pushBlob(
            bench.ref("wants"),
            Bench.blob(bytes),
            BlobSource.of(bytes),
            List.of(bench.ref("hasnot")));

    assertThat(result).isEqualTo(new PushResult(How.UPLOADED, 1000));
    assertThat(bench.registry.requests().count("POST", "uploads")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 403, 404, 405})
  void aMountThatIsRefusedBecomesAnUpload(int status) throws IOException {
    byte[] bytes = Bench.bytes(1000, 1);
    bench.registry.faults().once("POST", "uploads", Fault.status(status));

    PushResult result =
        client.pushBlob(
            bench.ref("wants"), Bench.blob(bytes), BlobSource.of(bytes), List.of(bench.ref("has")));

    assertThat(result.how()).isEqualTo(How.UPLOADED);
  }

  @Test
  void aManifestComesBackByTagAndByDigest() throws IOException {
    Reference tag = bench.ref("a/b:1.0");
    Descriptor pushed = Bench.pushImage(client, tag, "{}");

    FetchedManifest byTag = client.fetchManifest(tag);
    FetchedManifest byDigest = client.fetchManifest(tag.withDigest(pushed.digest()));

    assertThat(byTag.descriptor()).isEqualTo(pushed);
    assertThat(byDigest.bytes()).isEqualTo(byTag.bytes());
    assertThat(client.head(tag)).contains(pushed);
    assertThat(client.head(bench.ref("a/b:2.0"))).isEmpty();
    assertThat(client.head(bench.ref("nowhere:1"))).isEmpty();
  }

  @Test
  void anIndexIsPushedByDigestAndTag() throws IOException {
    Reference tag = bench.ref("multi:1");
    Descriptor child = Bench.pushImage(client, tag, "{}");
    byte[] index = Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(child), null, null));

    Descriptor byDigest =
        client.pushManifest(tag.withDigest(Digest.ofBytes(index)), index, MediaTypes.OCI_INDEX);
    client.pushManifest(tag, index, MediaTypes.OCI_INDEX);

    assertThat(client.fetchManifest(tag).descriptor()).isEqualTo(byDigest);
    assertThat(byDigest.mediaType()).isEqualTo(MediaTypes.OCI_INDEX);
  }

  @Test
  void aManifestWithoutItsBlobsIsInvalidWithTheRegistrysCode() {
    byte[] manifest = Bench.manifest(Bench.blob(Bench.bytes(10, 1)));

    assertThatThrownBy(
            () -> client.pushManifest(bench.ref("a:1"), manifest, MediaTypes.OCI_MANIFEST))
        .isInstanceOfSatisfying(
            RegistryException.class,
            e -> {
              assertThat(e.code()).isEqualTo(Code.INVALID);
              assertThat(e.registryError()).contains("MANIFEST_BLOB_UNKNOWN");
            });
  }

  @Test
  void bytesThatAreNotTheTargetsDigestAreNotSent() {
    Reference target = bench.ref("a").withDigest(Bench.unknownDigest());

    assertThatThrownBy(() -> client.pushManifest(target, new byte[1], MediaTypes.OCI_MANIFEST))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID));
    assertThat(bench.registry.requests().count("PUT", "")).isZero();
  }

  @Test
  void deletesATagAndSaysWhetherItWasThere() throws IOException {
    Reference tag = bench.ref("a:1");
    Descriptor pushed = Bench.pushImage(client, tag, "{}");

    assertThat(client.deleteManifest(tag)).isTrue();
    assertThat(client.deleteManifest(tag)).isFalse();
    assertThat(client.head(tag.withDigest(pushed.digest()))).isPresent();
    assertThat(client.deleteManifest(tag.withDigest(pushed.digest()))).isTrue();
    assertThat(client.head(tag.withDigest(pushed.digest()))).isEmpty();
  }

  @Test
  void listsAllTagsOverPages() throws IOException {
    Descriptor config = Bench.push(client, bench.ref("a"), new byte[] {'{', '}'});
    List<String> names = IntStream.range(0, 1100).mapToObj(i -> "t" + (10_000 + i)).toList();
    byte[] manifest = Bench.manifest(config);
    for (String name : names) {
      client.pushManifest(bench.ref("a:" + name), manifest, MediaTypes.OCI_MANIFEST);
    }

    assertThat(client.listTags(bench.ref("a"))).isEqualTo(names);
    assertThat(bench.registry.requests().count("GET", "tags/list")).isEqualTo(2);
  }

  @Test
  void pagesThatLeadInACircleAreAnError() {
    bench
        .registry
        .faults()
        .always(
            "GET",
            "tags/list",
            new Fault.Answer(
                200, Map.of("Link", "</v2/a/tags/list?n=1>; rel=\"next\""), "{\"tags\":[\"x\"]}"));

    assertThatThrownBy(() -> client.listTags(bench.ref("a"))).hasMessageContaining("circle");
  }

  @Test
  void aRepositoryWithoutTagsHasNone() throws IOException {
    bench
        .registry
        .faults()
        .always(
            "GET", "tags/list", new Fault.Answer(200, Map.of(), "{\"name\":\"a\",\"tags\":null}"));

    assertThat(client.listTags(bench.ref("a"))).isEmpty();
  }

  @Test
  void whatATagStillPointsAtIsToldWithoutIt() throws IOException {
    Reference tag = bench.ref("a/b:1.0");
    Descriptor first = client.pushManifest(tag, manifest("1"), MediaTypes.OCI_INDEX);

    assertThat(client.headUnless(tag, first.digest())).isEmpty();

    Descriptor second = client.pushManifest(tag, manifest("2"), MediaTypes.OCI_INDEX);
    assertThat(client.headUnless(tag, first.digest())).contains(second);
    assertThat(bench.registry.requests().matching("HEAD", "manifests"))
        .allSatisfy(
            request ->
                assertThat(request.header("If-None-Match")).contains("\"" + first.digest() + "\""));
    assertThatThrownBy(() -> client.headUnless(bench.ref("a/b:2.0"), first.digest()))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.code()).isEqualTo(Code.NOT_FOUND));
  }

  /** A registry that knows no HEAD, and one that does not compare and does not name digests. */
  @ParameterizedTest
  @ValueSource(ints = {405, 200})
  void registriesThatDoNotCompareAreAskedForIt(int status) throws IOException {
    Reference tag = bench.ref("a/b:1.0");
    Descriptor first = client.pushManifest(tag, manifest("1"), MediaTypes.OCI_INDEX);
    bench.registry.faults().always("HEAD", "manifests", Fault.status(status));

    assertThat(client.headUnless(tag, first.digest())).isEmpty();

    Descriptor second = client.pushManifest(tag, manifest("2"), MediaTypes.OCI_INDEX);
    assertThat(client.headUnless(tag, first.digest())).contains(second);
  }

  private static byte[] manifest(String what) {
    return Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(), null, Map.of("a", what)));
  }
}
