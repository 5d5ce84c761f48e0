package build.kiln.runtime.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.Credential;
import build.kiln.runtime.registry.embedded.Access;
import build.kiln.runtime.registry.embedded.Contents;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import build.kiln.runtime.registry.embedded.Fault;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Registries that fail at random: never a wrong byte, never a tag before its content, never a
 * credential at another host; what is missing afterwards is told, and the next run without faults
 * completes it. {@code -Dmirror.faults=1000} for more of them.
 */
class RandomFaultsTest {
  private static final String SPEC =
      """
      source: {registry: SRC, repositories: [a, b]}
      destination: {prefix: DST}
      tags: {all: true}
      referrers: true
      """;

  private static final Set<String> ALL = Set.of("a:1", "a:2", "a:all", "b:1", "b:2", "b:signed");

  /** Tokens are given for so long, and all end together when time jumps. */
  private static final Duration LIFETIME = Duration.ofMinutes(5);

  static LongStream seeds() {
    return LongStream.range(0, Integer.getInteger("mirror.faults", 25));
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsThereIsRightAndTheNextRunCompletesIt(long seed) throws IOException {
    Random random = new Random(seed);
    JumpingClock clock = new JumpingClock();
    try (var registries = registries(clock);
        var other = new OtherHost(layers())) {
      fill(registries);
      registries.clearRequests();
      for (int i = random.nextInt(1, 12); i > 0; i--) {
        order(random, registries.source, clock, other);
        order(random, registries.destination, clock, other);
      }

      MirrorResult faulty = run(registries);

      Set<String> complete = check(registries);
      assertThat(faulty.observed()).isPositive();
      assertThat(faulty.reason().isPresent()).isEqualTo(faulty.failed() > 0);
      assertThat(ALL)
          .allSatisfy(tag -> assertThat(complete.contains(tag) || told(faulty, tag)).isTrue());
      registries.source.faults().clear();
      registries.destination.faults().clear();

      MirrorResult clean = run(registries);

      assertThat(clean.shown()).noneMatch(image -> image.reason() != null);
      assertThat(check(registries)).isEqualTo(ALL);
      assertThat(other.shownCredentials()).isEmpty();
      assertThat(credentials(registries.source))
          .doesNotContainAnyElementsOf(credentials(registries.destination));
    }
  }

  private static Registries registries(Clock clock) throws IOException {
    return new Registries(
        EmbeddedRegistry.Options.defaults().access(tokens("from")).clock(clock),
        EmbeddedRegistry.Options.defaults().access(tokens("to")).clock(clock),
        Optional.of(new Credential.Basic("from", "secret of from")),
        Optional.of(new Credential.Basic("to", "secret of to")));
  }

  private static Access tokens(String user) {
    return new Access.Tokens(Map.of(user, "secret of " + user), false, LIFETIME);
  }

  /** Whether a failure names this tag, or its whole repository. */
  private static boolean told(MirrorResult result, String tag) {
    String repository = "/" + tag.substring(0, tag.indexOf(':'));
    return result.images().stream()
        .filter(image -> image.result() == Result.Failed)
        .map(image -> String.valueOf(image.destination()))
        .anyMatch(name -> name.endsWith("/" + tag) || name.endsWith(repository));
  }

  /** All that proves something to this registry. */
  private static Set<String> credentials(EmbeddedRegistry registry) {
    return registry.requests().all().stream()
        .flatMap(request -> request.header("Authorization").stream())
        .collect(Collectors.toSet());
  }

  private static List<byte[]> layers() {
    return IntStream.rangeClosed(1, 6).mapToObj(seed -> Registries.bytes(20_000, seed)).toList();
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

  private static void order(
      Random random, EmbeddedRegistry registry, JumpingClock clock, OtherHost other) {
    String method = List.of("GET", "HEAD", "POST", "PUT", "*").get(random.nextInt(5));
    String path =
        List.of("manifests", "blobs", "uploads", "tags", "referrers", "token")
            .get(random.nextInt(6));
    Fault fault = fault(random, clock, other, method, path);
    if (random.nextInt(4) == 0) {
      registry.faults().times(random.nextInt(1, 20), method, path, fault);
    } else {
      registry.faults().nth(random.nextInt(1, 10), method, path, fault);
    }
  }

  private static Fault fault(
      Random random, JumpingClock clock, OtherHost other, String method, String path) {
    boolean reads = method.equals("GET") || method.equals("HEAD");
    return switch (random.nextInt(15)) {
      case 0 -> Fault.status(500);
      case 1 -> Fault.status(503);
      case 2 -> Fault.status(429, Map.of("Retry-After", "1"));
      case 3 -> Fault.status(429, Map.of("Retry-After", inSomeSeconds()));
      case 4 -> Fault.status(404);
      case 5 -> Fault.status(403);
      case 6 -> Fault.status(401);
      case 7 -> Fault.cutAnswer(random.nextInt(20_000));
      case 8 -> Fault.cutRequest(random.nextInt(20_000));
      case 9 -> Fault.corruptAnswer();
      case 10 -> new Fault.Drip(random.nextInt(500, 5_000), Duration.ofMillis(2));
      // A success that is none, to a write, is not to be found out: reads only.
      case 11 ->
          reads
              ? Fault.content("application/json", "{\"schemaVersion\":2,\"conf")
              : Fault.status(502);
      // Of another length than the manifest says.
      case 12 -> reads ? Fault.content("application/octet-stream", "short") : Fault.status(504);
      case 13 ->
          method.equals("POST") && path.equals("uploads") ? other.upload() : other.redirect();
      default -> expire(clock);
    };
  }

  private static String inSomeSeconds() {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(
        ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(3));
  }

  /** The tokens that are out end, and the client, which knows nothing of it, has to ask again. */
  private static Fault expire(JumpingClock clock) {
    return new Fault.Instead(
        http -> {
          clock.jump(LIFETIME);
          http.sendResponseHeaders(503, -1);
        });
  }

  /** Time that jumps when it is told to. */
  private static final class JumpingClock extends Clock {
    private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);

    void jump(Duration by) {
      ahead.accumulateAndGet(by, Duration::plus);
    }

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead.get());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
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
    JsonNode document = Json.tree(bytes, "manifest");
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
