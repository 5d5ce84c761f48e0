package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Index;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.MediaTypes;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.registry.PushResult.How;
import build.kiln.runtime.registry.RealRegistry.Program;
import build.kiln.runtime.registry.RegistryException.Code;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The client against registries that others wrote. */
class RealRegistryTest {
  /** Of "secret", by bcrypt. */
  private static final String HTPASSWD =
      "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

  @TempDir Path folder;
  private final Credentials ann = r -> Optional.of(new Credential.Basic("ann", "secret"));

  private static RegistryClient client(RegistryConfig config, Credentials credentials) {
    return new RegistryClient(config, credentials, Clock.systemUTC(), wait -> {}, new Random(1));
  }

  /** All that a client does, once. */
  private static void roundTrip(RealRegistry registry, RegistryClient client) throws IOException {
    byte[] bytes = Bench.bytes(3_000_000, 1);
    Descriptor layer = Bench.blob(bytes);
    assertThat(client.head(registry.ref("a:1"))).isEmpty();
    assertThat(client.pushBlob(registry.ref("a"), layer, BlobSource.of(bytes), List.of()).how())
        .isEqualTo(How.UPLOADED);
    assertThat(client.pushBlob(registry.ref("a"), layer, BlobSource.of(bytes), List.of()).how())
        .isEqualTo(How.EXISTED);
    assertThat(
            client
                .pushBlob(
                    registry.ref("b"), layer, BlobSource.of(bytes), List.of(registry.ref("a")))
                .how())
        .isEqualTo(How.MOUNTED);
    try (InputStream in = client.openBlob(registry.ref("b"), layer)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes);
    }
    byte[] streamed = Bench.bytes(500_000, 2);
    client.streamBlob(
        registry.ref("a"), BlobSource.of(streamed).open(), () -> Bench.blob(streamed));
    assertThat(client.hasBlob(registry.ref("a"), Bench.blob(streamed).digest())).isTrue();

    Descriptor image = Bench.pushImage(client, registry.ref("a:1"), "{}");
    assertThat(client.head(registry.ref("a:1"))).contains(image);
    assertThat(client.fetchManifest(registry.ref("a:1")).descriptor()).isEqualTo(image);
    byte[] index = Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(image), null, null));
    client.pushManifest(registry.ref("a:index"), index, MediaTypes.OCI_INDEX);
    assertThat(client.fetchManifest(registry.ref("a:index")).bytes()).isEqualTo(index);
    assertThat(client.listTags(registry.ref("a"))).containsExactlyInAnyOrder("1", "index");
    assertThat(client.deleteManifest(registry.ref("a").withDigest(image.digest()))).isTrue();
    assertThat(client.head(registry.ref("a").withDigest(image.digest()))).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void plainHttpAndNoLogin(Program program) throws IOException {
    try (var registry = RealRegistry.start(program, folder, "", "");
        var client = client(RegistryConfig.defaults(), Credentials.anonymous())) {
      roundTrip(registry, client);
    }
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void manyTagsComeInPages(Program program) throws IOException {
    try (var registry = RealRegistry.start(program, folder, "", "");
        var client = client(RegistryConfig.defaults(), Credentials.anonymous())) {
      Descriptor image = Bench.pushImage(client, registry.ref("a:t0"), "{}");
      // As the registry itself would write them, a thousand times as fast.
      Path tags = folder.resolve("data/docker/registry/v2/repositories/a/_manifests/tags");
      for (int i = 1; i < 1010; i++) {
        Path current = Files.createDirectories(tags.resolve("t" + i + "/current"));
        Files.writeString(current.resolve("link"), image.digest().toString());
      }
      assertThat(client.listTags(registry.ref("a"))).hasSize(1010).doesNotHaveDuplicates();
    }
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void anIndexWhoseChildIsMissingIsRefused(Program program) throws IOException {
    try (var registry = RealRegistry.start(program, folder, "", "");
        var client = client(RegistryConfig.defaults(), Credentials.anonymous())) {
      Descriptor gone =
          Descriptor.of(MediaTypes.OCI_MANIFEST, Bench.unknownDigest(), 100)
              .withPlatform(Platform.parse("linux/amd64"));
      byte[] index =
          Json.write(new Index(2, MediaTypes.OCI_INDEX, null, List.of(gone), null, null));
      assertThatThrownBy(
              () -> client.pushManifest(registry.ref("a:1"), index, MediaTypes.OCI_INDEX))
          .isInstanceOfSatisfying(
              RegistryException.class,
              e -> {
                assertThat(e.code()).isEqualTo(Code.INVALID);
                assertThat(e.registryError()).contains("MANIFEST_BLOB_UNKNOWN");
              });
    }
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void basicLogin(Program program) throws IOException {
    Files.writeString(folder.resolve("htpasswd"), HTPASSWD);
    String auth = "auth: {htpasswd: {realm: test, path: \"" + folder.resolve("htpasswd") + "\"}}\n";
    try (var registry = RealRegistry.start(program, folder, "", auth)) {
      try (var client = client(RegistryConfig.defaults(), ann)) {
        roundTrip(registry, client);
      }
      Credentials wrong = r -> Optional.of(new Credential.Basic("ann", "wrong-password"));
      try (var client = client(RegistryConfig.defaults(), wrong)) {
        assertThatThrownBy(() -> client.listTags(registry.ref("a")))
            .isInstanceOfSatisfying(
                RegistryException.class, e -> assertThat(e.code()).isEqualTo(Code.UNAUTHORIZED))
            .message()
            .doesNotContain("wrong-password");
      }
    }
  }

  /** Certificates and keys of tests. */
  static final class Tls {
    final TestCertificate server;
    final TestCertificate me;

    Tls(Path folder, String algorithm) throws Exception {
      assumeTrue(TestCertificate.canBeMade(), "this Java has no keytool");
      server = TestCertificate.make(folder, "server", algorithm);
      me = TestCertificate.make(folder, "me", algorithm);
      Files.writeString(folder.resolve("server.crt"), server.certificatePem());
      Files.writeString(folder.resolve("server.key"), server.keyPem());
      Files.writeString(folder.resolve("clients.crt"), me.certificatePem());
    }
  }

  @BeforeEach
  void folders() throws IOException {
    Files.createDirectories(folder.resolve("certs.d"));
    Files.createDirectories(folder.resolve("ca"));
  }

  @ParameterizedTest
  @CsvSource({
    "DISTRIBUTION_2, RSA, false",
    "DISTRIBUTION_2, EC,  true",
    "DISTRIBUTION_2, RSA, true",
    "DISTRIBUTION_3, EC,  false"
  })
  void tlsWithAnAuthorityAndAClientCertificateOfTheHost(
      Program program, String algorithm, boolean oldKey) throws Exception {
    var tls = new Tls(folder, algorithm);
    String http =
        "tls:\n  certificate: %1$s/server.crt\n  key: %1$s/server.key\n  clientcas: [%1$s/clients.crt]\n"
            .formatted(folder);
    try (var registry = RealRegistry.start(program, folder, http, "")) {
      Path host = Files.createDirectories(folder.resolve("certs.d").resolve(registry.host()));
      var config =
          RegistryConfig.builder().certDirectories(List.of(folder.resolve("certs.d"))).build();
      String key = oldKey ? tls.me.oldKeyPem() : tls.me.keyPem();

      Files.writeString(host.resolve("ca.crt"), tls.server.certificatePem());
      Files.writeString(host.resolve("client.cert"), tls.me.certificatePem());
      assertThatThrownBy(() -> listOnTls(registry, config))
          .hasMessageContaining("client.cert")
          .hasMessageContaining("client.key");
      Files.writeString(host.resolve("client.key"), key);
      try (var client = client(config, Credentials.anonymous())) {
        roundTrip(registry, client);
      }
    }
  }

  private static void listOnTls(RealRegistry registry, RegistryConfig config) throws IOException {
    try (var client = client(config, Credentials.anonymous())) {
      client.listTags(registry.ref("a"));
    }
  }

  /** By its name, since loopback addresses may be insecure without being named. */
  @Test
  void anAuthorityThatIsNotTrustedIsSaidSo() throws Exception {
    var tls = new Tls(folder, "EC");
    String http =
        "tls:\n  certificate: %1$s/server.crt\n  key: %1$s/server.key\n".formatted(folder);
    try (var registry = RealRegistry.start(Program.DISTRIBUTION_2, folder, http, "")) {
      var uri = URI.create("https://" + registry.host() + "/v2/");
      try (var transport = new HttpTransport(RegistryConfig.defaults())) {
        assertThatThrownBy(() -> transport.send(HttpCall.of("GET", uri, Map.of()), Reach.REGISTRY))
            .satisfies(
                e ->
                    assertThat(Failures.of("list", "x", (IOException) e))
                        .hasMessageContaining("certificate is not trusted")
                        .hasMessageContaining("CA directory"));
      }
      Files.writeString(folder.resolve("ca/own.pem"), tls.server.certificatePem());
      var config = RegistryConfig.builder().caDirectory(folder.resolve("ca")).build();
      try (var transport = new HttpTransport(config);
          var reply = transport.send(HttpCall.of("GET", uri, Map.of()), Reach.REGISTRY)) {
        assertThat(reply.status()).isEqualTo(200);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Program.class)
  void tokensOfAServerOfTheTests(Program program) throws Exception {
    assumeTrue(TestCertificate.canBeMade(), "this Java has no keytool");
    TestCertificate signer = TestCertificate.make(folder, "signer", "RSA");
    Files.writeString(folder.resolve("signer.crt"), signer.certificatePem());
    try (var tokens = new TokenServer(signer, "ann", "secret")) {
      String auth =
          """
          auth:
            token:
              realm: %s
              service: kiln-test
              issuer: tests
              rootcertbundle: %s
          """
              .formatted(tokens.realm(), folder.resolve("signer.crt"));
      try (var registry = RealRegistry.start(program, folder, "", auth)) {
        try (var client = client(RegistryConfig.defaults(), ann)) {
          roundTrip(registry, client);
        }
        try (var client = client(RegistryConfig.defaults(), Credentials.anonymous())) {
          assertThatThrownBy(() -> client.head(registry.ref("a:1")))
              .isInstanceOfSatisfying(
                  RegistryException.class, e -> assertThat(e.code()).isEqualTo(Code.UNAUTHORIZED));
        }
      }
    }
  }
}
