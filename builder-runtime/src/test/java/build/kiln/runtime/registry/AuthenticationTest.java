package build.kiln.runtime.registry;

import static build.kiln.runtime.registry.Scripted.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.registry.RegistryException.Code;
import build.kiln.runtime.registry.embedded.Access;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How a registry is told who asks: distribution's spec/auth, and what its servers make of it. */
class AuthenticationTest {
  private static final String TAGS = "/v2/a/tags/list";
  private static final String NONE = "{\"tags\":[]}";
  private static final Credentials ANN = repository -> Optional.of(ann());

  private final MutableClock clock = new MutableClock();
  private Scripted registry;
  private Scripted tokens;

  @BeforeEach
  void start() throws IOException {
    registry = new Scripted();
    tokens = new Scripted();
  }

  @AfterEach
  void stop() {
    registry.close();
    tokens.close();
  }

  private static Credential ann() {
    return new Credential.Basic("ann", "secret");
  }

  private RegistryClient client(Credentials credentials) {
    return new RegistryClient(
        RegistryConfig.defaults(), credentials, clock, clock::advance, new Random(1));
  }

  private List<String> list(RegistryClient client) throws IOException {
    return client.listTags(registry.ref("a"));
  }

  private static void assertCode(Throwable thrown, Code code) {
    assertThat(thrown).isInstanceOf(RegistryException.class);
    assertThat(((RegistryException) thrown).code()).isEqualTo(code);
  }

  @Test
  void a401TurnsInto200AndIsNotAskedForAgain() throws IOException {
    registry.once(
        "GET", TAGS, registry.wantsToken(tokens.uri("/t"), ",scope=\"repository:a:pull\""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T1\"}"));
    try (var client = client(ANN)) {
      assertThat(list(client)).isEmpty();
      assertThat(list(client)).isEmpty();
    }

    assertThat(registry.seen("GET", TAGS))
        .extracting(Scripted.Seen::authorization)
        .containsExactly(Optional.empty(), Optional.of("Bearer T1"), Optional.of("Bearer T1"));
    assertThat(tokens.seen()).hasSize(1);
    assertThat(tokens.seen().getFirst().authorization())
        .contains(
            "Basic "
                + Base64.getEncoder()
                    .encodeToString("ann:secret".getBytes(StandardCharsets.UTF_8)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"token", "access_token"})
  void eitherFieldIsTheToken(String field) throws IOException {
    registry.once("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on("GET", "/t", answer(200, "{\"" + field + "\":\"T1\"}"));
    try (var client = client(ANN)) {
      list(client);
    }
    assertThat(registry.seen().getLast().authorization()).contains("Bearer T1");
  }

  /** The issuing clock may be wrong, so what it says of itself does not count. */
  @ParameterizedTest
  @CsvSource({
    "'', 50, 1",
    "'', 61, 2",
    "',\"expires_in\":300', 200, 1",
    "',\"expires_in\":300', 301, 2"
  })
  void tokensEndByTheLocalClockAfterAMinuteIfNothingIsSaid(String more, int seconds, int fetched)
      throws IOException {
    registry.once("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on(
        "GET",
        "/t",
        answer(200, "{\"token\":\"T\",\"issued_at\":\"1999-01-01T00:00:00Z\"" + more + "}"));
    try (var client = client(ANN)) {
      list(client);
      clock.advance(Duration.ofSeconds(seconds));
      list(client);
    }
    assertThat(tokens.seen()).hasSize(fetched);
  }

  @Test
  void scopesAreRepeatedInGetWithWhatWasMissedFirst() throws IOException {
    registry.once(
        "GET",
        TAGS,
        registry.wantsToken(
            tokens.uri("/t?x=y"), ",scope=\"repository:group/a:pull repository:a:pull\""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T\"}"));
    try (var client = client(ANN)) {
      list(client);
    }
    assertThat(tokens.seen().getFirst().uri().getQuery())
        .isEqualTo(
            "x=y&service=reg&scope=repository:group/a:pull&scope=repository:a:pull&account=ann");
  }

  @Test
  void anIdentityTokenIsPostedWithOneListOfScopes() throws IOException {
    registry.once(
        "GET",
        TAGS,
        registry.wantsToken(tokens.uri("/t"), ",scope=\"repository:b:pull repository:a:pull\""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on("POST", "/t", answer(200, "{\"access_token\":\"T\"}"));
    try (var client = client(r -> Optional.of(new Credential.IdentityToken("", "refresh")))) {
      list(client);
    }
    assertThat(tokens.seen().getFirst().body())
        .contains("grant_type=refresh_token", "refresh_token=refresh", "service=reg")
        .contains("&scope=repository%3Ab%3Apull+repository%3Aa%3Apull&");
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 405})
  void aTokenServerWithoutPostIsAskedByGet(int status) throws IOException {
    registry.once("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.on("POST", "/t", answer(status, "no"));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T\"}"));
    try (var client = client(r -> Optional.of(new Credential.IdentityToken("", "refresh")))) {
      list(client);
    }
    assertThat(tokens.seen("GET", "/t").getFirst().authorization())
        .contains(
            "Basic "
                + Base64.getEncoder()
                    .encodeToString("<token>:refresh".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aFreshTokenThatIsRefusedIsReplacedOnce() throws IOException {
    registry.once("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    registry.once("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    registry.on("GET", TAGS, answer(200, NONE));
    tokens.once("GET", "/t", answer(200, "{\"token\":\"T1\"}"));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T2\"}"));
    try (var client = client(ANN)) {
      list(client);
    }
    assertThat(registry.seen().getLast().authorization()).contains("Bearer T2");
  }

  @Test
  void tokensThatAreRefusedForEverAreADenial() throws IOException {
    registry.on("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T\"}"));
    try (var client = client(ANN)) {
      assertThatThrownBy(() -> list(client)).satisfies(e -> assertCode(e, Code.DENIED));
    }
    assertThat(tokens.seen()).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource({"401, UNAUTHORIZED", "403, DENIED"})
  void whatTheTokenServerSaysOfTheCredentialsIsTold(int status, Code code) throws IOException {
    registry.on("GET", TAGS, registry.wantsToken(tokens.uri("/t"), ""));
    tokens.on("GET", "/t", answer(status, ""));
    try (var client = client(ANN)) {
      assertThatThrownBy(() -> list(client))
          .satisfies(e -> assertCode(e, code))
          .hasMessageContaining("get a token for " + registry.host())
          .message()
          .doesNotContain("secret");
    }
  }

  @Test
  void basicCredentialsAreShownFromTheSecondRequestOn() throws IOException {
    registry.once("GET", TAGS, answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    registry.on("GET", TAGS, answer(200, NONE));
    try (var client = client(ANN)) {
      list(client);
      list(client);
    }
    assertThat(registry.seen("GET", TAGS))
        .extracting(s -> s.authorization().isPresent())
        .containsExactly(false, true, true);
  }

  @Test
  void basicCredentialsThatAreWrongAreTriedOnce() throws IOException {
    registry.on("GET", TAGS, answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    try (var client = client(ANN)) {
      assertThatThrownBy(() -> list(client)).satisfies(e -> assertCode(e, Code.UNAUTHORIZED));
    }
    assertThat(registry.seen("GET", TAGS)).hasSize(2);
  }

  @Test
  void credentialsAreLookedUpForEveryRequest() throws IOException {
    registry.on(
        "GET",
        TAGS,
        http ->
            (http.getRequestHeaders().containsKey("Authorization")
                    ? answer(200, NONE)
                    : registry.wantsToken(tokens.uri("/t"), ""))
                .handle(http));
    tokens.on("GET", "/t", answer(200, "{\"token\":\"T\",\"expires_in\":3600}"));
    var now = new AtomicReference<Credential>(ann());
    try (var client = client(repository -> Optional.ofNullable(now.get()))) {
      list(client);
      now.set(new Credential.Basic("bob", "other"));
      list(client);
    }
    assertThat(tokens.seen())
        .extracting(s -> s.uri().getQuery())
        .satisfiesExactly(
            first -> assertThat(first).endsWith("account=ann"),
            second -> assertThat(second).endsWith("account=bob"));
  }

  @Test
  void aTokenThatEndsInMidTransferIsReplaced() throws IOException {
    var access = new Access.Tokens(Map.of("ann", "secret"), false, Duration.ofMinutes(5));
    byte[] bytes = Bench.bytes(3_000_000, 1);
    try (var real =
            EmbeddedRegistry.start(
                EmbeddedRegistry.Options.defaults().access(access).clock(clock));
        var client = client(ANN)) {
      Descriptor blob = Bench.push(client, real.reference("a"), bytes);
      real.requests().clear();
      real.faults().once("GET", "/blobs/", Fault.cutAnswer(1_000_000));
      try (InputStream in = client.openBlob(real.reference("a"), blob)) {
        byte[] first = in.readNBytes(500_000);
        clock.advance(Duration.ofMinutes(6));
        byte[] rest = in.readAllBytes();
        assertThat(first.length + rest.length).isEqualTo(bytes.length);
      }
      // One to pull with, and one for the rest.
      assertThat(real.requests().count("GET", "/token")).isEqualTo(2);
      // An upload whose token ends while it runs: the PUT is refused and sent again.
      real.faults()
          .once(
              "PUT",
              "/uploads/",
              new Fault.Instead(
                  http -> {
                    http.getRequestBody().readAllBytes();
                    registry
                        .wantsToken(real.uri().resolve("/token"), ",error=\"invalid_token\"")
                        .handle(http);
                  }));
      Descriptor second = Bench.push(client, real.reference("b"), Bench.bytes(500_000, 2));
      assertThat(client.hasBlob(real.reference("b"), second.digest())).isTrue();
    }
  }

  @Test
  void aMountAsksForPullOfItsSource() throws IOException {
    var access = new Access.Tokens(Map.of("ann", "secret"), false, Duration.ofMinutes(5));
    try (var real =
            EmbeddedRegistry.start(
                EmbeddedRegistry.Options.defaults().access(access).clock(clock));
        var client = client(ANN)) {
      Descriptor blob = Bench.push(client, real.reference("from"), Bench.bytes(100, 1));
      PushResult mounted =
          client.pushBlob(
              real.reference("to"),
              blob,
              () -> {
                throw new AssertionError("must not be read");
              },
              List.of(real.reference("from")));
      assertThat(mounted.how()).isEqualTo(PushResult.How.MOUNTED);
      assertThat(real.requests().matching("GET", "/token").getLast().uri().getQuery())
          .contains("scope=repository:to:pull,push&scope=repository:from:pull");
    }
  }

  @Test
  void aDeleteThatIsRefusedIsTriedWithWiderRights() throws IOException {
    String path = "/v2/a/manifests/1";
    registry.on(
        "DELETE",
        path,
        http ->
            (String.valueOf(http.getRequestHeaders().getFirst("Authorization")).endsWith("*")
                    ? answer(202, "")
                    : registry.wantsToken(tokens.uri("/t"), ",error=\"insufficient_scope\""))
                .handle(http));
    tokens.on(
        "GET",
        "/t",
        http -> {
          String scope = http.getRequestURI().getQuery().replaceAll(".*scope=([^&]*).*", "$1");
          answer(200, "{\"token\":\"" + scope + "\"}").handle(http);
        });
    try (var client = client(ANN)) {
      assertThat(client.deleteManifest(registry.ref("a:1"))).isTrue();
    }
    assertThat(tokens.seen())
        .extracting(s -> s.uri().getQuery().replaceAll(".*scope=repository:a:([^&]*).*", "$1"))
        .containsSubsequence("delete", "pull,push", "*");
  }

  @Test
  void aRegistryThatRefusesDeletesIsSaidSo() throws IOException {
    registry.on(
        "DELETE", "/v2/a/manifests/1", answer(405, "{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}"));
    try (var client = client(ANN)) {
      assertThatThrownBy(() -> client.deleteManifest(registry.ref("a:1")))
          .satisfies(e -> assertCode(e, Code.UNSUPPORTED))
          .hasMessageContaining("the registry does not do this");
    }
  }

  @Test
  void whatAServerSaysBackIsNotTold() throws IOException {
    String echo = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no: %s and secret-password\"}]}";
    registry.once("GET", TAGS, answer(401, "", "WWW-Authenticate", "Basic realm=\"x\""));
    registry.on(
        "GET",
        TAGS,
        http ->
            answer(
                    403,
                    echo.formatted(http.getRequestHeaders().getFirst("Authorization")),
                    "Content-Type",
                    "application/json")
                .handle(http));
    try (var client =
        client(repository -> Optional.of(new Credential.Basic("ann", "secret-password")))) {
      assertThatThrownBy(() -> list(client))
          .hasMessageContaining("no: Basic *** and ***")
          .message()
          .doesNotContain("secret-password", "YW5uOn");
    }
  }
}
