package build.kiln.runtime.registry;

import static build.kiln.runtime.registry.Scripted.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a registry may send its client, and what goes along. */
class DestinationsTest {
  private static final String TAGS = "/v2/a/tags/list";
  private static final String UPLOADS = "/v2/a/blobs/uploads/";

  private final MutableClock clock = new MutableClock();
  private Scripted registry;
  private Scripted other;
  private RegistryClient client;

  @BeforeEach
  void start() throws IOException {
    registry = new Scripted();
    other = new Scripted();
    Credentials ann = repository -> Optional.of(new Credential.Basic("ann", "secret"));
    client =
        new RegistryClient(RegistryConfig.defaults(), ann, clock, clock::advance, new Random(1));
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    registry.close();
    other.close();
  }

  private static void assertRefused(Throwable thrown) {
    assertThat(thrown).isInstanceOf(RegistryException.class);
    assertThat(((RegistryException) thrown).code()).isEqualTo(Code.INVALID);
    assertThat(thrown.getMessage()).contains("external address");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/t",
        "http://[::ffff:169.254.169.254]/t",
        "http://100.100.100.200/t",
        "http://168.63.129.16/t",
        "http://[fd00:ec2::254]/t",
        "http://metadata.google.internal/t",
        "file:///etc/passwd",
        "ftp://127.0.0.1/t",
        "http://127.0.0.1:70000/t",
        "http://user:password@127.0.0.1/t"
      })
  void noRealmRedirectOrUploadLeadsToMachinesSecrets(String target) {
    registry.on(
        "GET", TAGS, answer(401, "", "WWW-Authenticate", "Bearer realm=\"" + target + "\""));
    assertThatThrownBy(() -> client.listTags(registry.ref("a")))
        .satisfies(DestinationsTest::assertRefused);

    registry.on("GET", "/v2/b/tags/list", answer(307, "", "Location", target));
    assertThatThrownBy(() -> client.listTags(registry.ref("b")))
        .satisfies(DestinationsTest::assertRefused);

    registry.on("POST", UPLOADS, answer(202, "", "Location", target));
    byte[] bytes = {1};
    assertThatThrownBy(
            () ->
                client.pushBlob(
                    registry.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of()))
        .satisfies(DestinationsTest::assertRefused);
  }

  /** The registry of these tests is on loopback, so private as those in clusters are. */
  @Test
  void aPrivateRegistryMaySendToPrivateAddressesButNoCredentialsGoAlong() throws IOException {
    registry.once("GET", TAGS, answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    registry.on("GET", TAGS, answer(307, "", "Location", other.uri("/elsewhere?sig=1").toString()));
    other.on("GET", "/elsewhere", answer(200, "{\"tags\":[\"x\"]}"));

    assertThat(client.listTags(registry.ref("a"))).containsExactly("x");

    assertThat(registry.seen("GET", TAGS).getLast().authorization()).isPresent();
    assertThat(other.seen().getFirst().authorization()).isEmpty();
  }

  /** Its 201 would say nothing of the tag that people pull. */
  @Test
  void aManifestIsNotPushedToOrDeletedFromAnotherHostThanTheRegistry() {
    byte[] manifest = "{\"schemaVersion\":2}".getBytes(StandardCharsets.UTF_8);
    Digest digest = Digest.ofBytes(manifest);
    String path = "/v2/a/manifests/" + digest;
    for (String method : List.of("PUT", "DELETE")) {
      registry.on(method, path, answer(307, "", "Location", other.uri(path).toString()));
      other.on(method, path, answer(method.equals("PUT") ? 201 : 202, ""));
    }
    Reference image = registry.ref("a").withDigest(digest);

    assertThatThrownBy(
            () ->
                client.pushManifest(image, manifest, "application/vnd.oci.image.manifest.v1+json"))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining("tried to push a manifest")
        .hasMessageContaining("only the registry itself can answer for that");
    assertThatThrownBy(() -> client.deleteManifest(image))
        .hasMessageContaining("tried to delete a manifest");
    assertThat(other.seen()).isEmpty();
  }

  @Test
  void anUploadToAnotherHostGoesWithoutCredentials() throws IOException {
    registry.once(
        "HEAD",
        "/v2/a/blobs/" + Bench.blob(new byte[] {1}).digest(),
        answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    registry.on(
        "POST", UPLOADS, answer(202, "", "Location", other.uri("/bucket?sig=a%2Fb").toString()));
    other.on("PUT", "/bucket", answer(201, ""));
    byte[] bytes = {1};

    client.pushBlob(registry.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of());

    assertThat(registry.seen("POST", UPLOADS).getLast().authorization()).isPresent();
    assertThat(other.seen().getFirst().authorization()).isEmpty();
    assertThat(other.seen().getFirst().uri().getRawQuery())
        .isEqualTo("sig=a%2Fb&digest=" + Bench.blob(bytes).digest());
  }

  /** What a repository is called says nothing of what is done. */
  @Test
  void anUploadToARepositoryOfManifestsMayBeLedElsewhere() throws IOException {
    String session = "/v2/a/manifests/b/blobs/uploads/1";
    registry.on("POST", "/v2/a/manifests/b/blobs/uploads/", answer(202, "", "Location", session));
    registry.on("PUT", session, answer(307, "", "Location", other.uri("/bucket").toString()));
    other.on("PUT", "/bucket", answer(201, ""));
    byte[] bytes = {1};

    client.pushBlob(
        registry.ref("a/manifests/b"), Bench.blob(bytes), BlobSource.of(bytes), List.of());

    assertThat(other.seen()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "relative/1?s=%3D, /v2/a/blobs/uploads/relative/1",
    "/v2/a/blobs/uploads/absolute, /v2/a/blobs/uploads/absolute",
  })
  void anUploadsLocationMayBeRelativeAndHaveAQuery(String location, String path)
      throws IOException {
    registry.on("POST", UPLOADS, answer(202, "", "Location", location));
    registry.on("PUT", path, answer(201, ""));
    byte[] bytes = {1};
    client.pushBlob(registry.ref("a"), Bench.blob(bytes), BlobSource.of(bytes), List.of());
    assertThat(registry.seen("PUT", path)).hasSize(1);
  }

  /** What a public registry may not do, which only addresses tell: nothing is connected to. */
  @ParameterizedTest
  @CsvSource({
    "10.0.0.1, PUBLIC_ONLY, false",
    "172.16.3.4, PUBLIC_ONLY, false",
    "192.168.1.1, PUBLIC_ONLY, false",
    "100.64.0.1, PUBLIC_ONLY, false",
    "127.0.0.1, PUBLIC_ONLY, false",
    "0.0.0.0, PUBLIC_ONLY, false",
    "::1, PUBLIC_ONLY, false",
    "fd12::1, PUBLIC_ONLY, false",
    "8.8.8.8, PUBLIC_ONLY, true",
    "2606:4700::1, PUBLIC_ONLY, true",
    "10.0.0.1, NOT_LINK_LOCAL, true",
    "fd12::1, NOT_LINK_LOCAL, true",
    "169.254.1.1, NOT_LINK_LOCAL, false",
    "fe80::1, NOT_LINK_LOCAL, false",
    "169.254.1.1, REGISTRY, true",
  })
  void reachesAreRulesOnAddresses(String address, Reach reach, boolean allowed) {
    assertThat(catchThrowable(() -> reach.check(address, InetAddress.ofLiteral(address))))
        .satisfies(thrown -> assertThat(thrown == null).isEqualTo(allowed));
  }

  @ParameterizedTest
  @CsvSource({
    "https://8.8.8.8,  https://10.0.0.1/x, PUBLIC_ONLY",
    "https://10.0.0.5, https://10.0.0.1/x, NOT_LINK_LOCAL",
    "https://8.8.8.8,  https://8.8.8.8/x,  REGISTRY",
    "https://8.8.8.8,  https://8.8.8.8:444/x, PUBLIC_ONLY",
  })
  void aPublicRegistryMayNotSendToPrivateAddresses(URI base, URI target, Reach expected) {
    Origin origin = Origin.of(base);
    var endpoint = Endpoint.upstream(origin.authority(), RegistryConfig.defaults());
    var site = new Site(endpoint, base, origin, Addresses.isPublic(origin, ProxySettings.NONE));
    assertThat(site.reachOf(target)).isEqualTo(expected);
  }

  @Test
  void upstreamCredentialsNeverGoToAMirror() throws IOException {
    for (Scripted each : List.of(registry, other)) {
      each.on("GET", "/v2/", answer(200, "{}"));
    }
    other.on(
        "HEAD",
        "/v2/cache/a/manifests/1",
        answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    registry.on("HEAD", "/v2/a/manifests/1", answer(404, ""));
    var config =
        RegistryConfig.builder()
            .mirrors(registry.host(), List.of("http://" + other.host() + "/cache"))
            .build();
    String auths =
        "{\"auths\":{\"%s\":{\"username\":\"ann\",\"password\":\"secret\"}}}"
            .formatted(registry.host());
    try (var mirrored =
        new RegistryClient(
            config,
            DockerConfigCredentials.ofText("test", auths),
            clock,
            clock::advance,
            new Random(1))) {
      assertThat(mirrored.head(registry.ref("a:1"))).isEmpty();
    }
    assertThat(other.seen("HEAD", "/v2/cache/a/manifests/1"))
        .hasSize(1)
        .allSatisfy(
            seen -> {
              assertThat(seen.authorization()).isEmpty();
              assertThat(seen.uri().getQuery()).isEqualTo("ns=" + registry.host());
            });
  }

  @Test
  void mirrorsAreAskedInTheirOrderAndTheUpstreamLast() throws IOException {
    try (var second = new Scripted()) {
      for (Scripted each : List.of(registry, other, second)) {
        each.on("GET", "/v2/", answer(200, "{}"));
      }
      other.on("GET", TAGS, answer(200, "{\"tags\":[]}"));
      registry.on("HEAD", "/v2/a/manifests/1", answer(404, ""));
      other.on("HEAD", "/v2/a/manifests/1", answer(503, ""));
      second.on("HEAD", "/v2/a/manifests/1", answer(404, ""));
      var config =
          RegistryConfig.builder()
              .mirrors(registry.host(), List.of(other.host(), second.host()))
              .build();
      try (var mirrored =
          new RegistryClient(
              config, Credentials.anonymous(), clock, clock::advance, new Random(1))) {
        assertThat(mirrored.head(registry.ref("a:1"))).isEmpty();
      }
      // One try each: others follow.
      assertThat(other.seen("HEAD", "/v2/a/manifests/1")).hasSize(1);
      assertThat(second.seen("HEAD", "/v2/a/manifests/1")).hasSize(1);
      assertThat(registry.seen("HEAD", "/v2/a/manifests/1")).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "registry.example.com, false",
    "a.corp.example,       true",
    "corp.example,         true",
    "10.1.2.3,             true",
    "10.2.2.3,             false",
    "port.example:5000,    true",
    "port.example:5001,    false",
    "localhost,            true",
    "127.0.0.1,            true",
  })
  void proxiesAreNotUsedForWhatNoProxyNames(String target, boolean direct) {
    var proxies =
        ProxySettings.from(
            Map.of(
                "HTTPS_PROXY", "http://proxy.example:3128",
                "NO_PROXY", "corp.example, 10.1.0.0/16,port.example:5000"));
    URI uri = URI.create("https://" + target);
    int port = uri.getPort() < 0 ? 443 : uri.getPort();
    assertThat(proxies.forTarget("https", uri.getHost(), port).isEmpty()).isEqualTo(direct);
  }
}
