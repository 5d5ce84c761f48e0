package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.testkit.ImageValidator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Large layers are sent while they are written; whatever goes wrong, the push mends it. */
class EarlyUploadTest {
  private static final String UPLOADS = "/v2/shop/api/blobs/uploads/";
  private static final String ONE = "FROM scratch\nCOPY large /\n";

  @TempDir Path folder;
  private BuildBench bench;
  private Reference image;
  private ImagePusher.@Nullable Pushed pushed;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    image = bench.registry.reference("shop/api:1");
    random("large", 9 << 20, 1);
    bench.file("small", "small");
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  private void random(String name, int size, long seed) throws IOException {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    Files.write(bench.contextFolder().resolve(name), bytes);
  }

  /** What happens between the steps and the push. */
  @FunctionalInterface
  private interface BeforePush {
    void run() throws InterruptedException;
  }

  private Built build(String dockerfile) throws Exception {
    return build(dockerfile, () -> {});
  }

  private Built build(String dockerfile, BeforePush before) throws Exception {
    try (var pusher = new ImagePusher(bench.store(), bench.client)) {
      return bench.build(
          dockerfile,
          StepCache.local(bench.store(), ""),
          builder -> builder.sending(pusher, List.of(image)),
          result -> {
            before.run();
            pushed = pusher.push(result, List.of(image), bench.progress());
            return List.of(image);
          });
    }
  }

  private long pushedBytes() {
    return Objects.requireNonNull(pushed).pushedBytes();
  }

  /** The image is whole in the registry, and what was pushed is told. */
  private void check(Built built) throws Exception {
    assertThat(bench.client.fetchManifest(image).descriptor())
        .isEqualTo(built.result().descriptor());
    ImageValidator.assertValid(bench.client, image);
    long layers = built.result().layers().stream().mapToLong(Descriptor::size).sum();
    assertThat(pushedBytes()).isEqualTo(layers + built.result().manifest().config().size());
  }

  @Test
  void aLargeLayerIsSentOnceAndBeforeThePush() throws Exception {
    check(build(ONE));
    // The layer's POST, PATCH and PUT; the configuration is looked for and sent as ever.
    assertThat(bench.registry.requests().count("PATCH", UPLOADS)).isEqualTo(1);
    assertThat(
            bench
                .registry
                .requests()
                .matching("PATCH", UPLOADS)
                .getFirst()
                .header("Transfer-Encoding"))
        .contains("chunked");
    assertThat(bench.registry.requests().count("POST", UPLOADS)).isEqualTo(2);
  }

  @Test
  void smallLayersAndThoseOfOtherStagesAreNotSentEarly() throws Exception {
    random("other", 9 << 20, 2);
    check(
        build(
            """
            FROM scratch AS tools
            COPY other /
            FROM scratch AS base
            COPY large /
            FROM base
            COPY small /
            COPY --from=tools /other /
            """));
    // The base stage's layer, and the one that copies from the other stage; not the other stage's.
    assertThat(bench.registry.requests().count("PATCH", UPLOADS)).isEqualTo(2);
  }

  @Test
  void aStepFromTheCacheIsPushedAsEver() throws Exception {
    build(ONE);
    bench.registry.requests().clear();
    build(ONE);
    assertThat(bench.registry.requests().count("POST", UPLOADS)).isZero();
    assertThat(pushedBytes()).isZero();
  }

  @Test
  void whatTheRepositoryHadAllAlongIsNotSentToItsEnd() throws Exception {
    build(ONE);
    bench.freshStore();
    bench.registry.requests().clear();
    var arrived = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    bench.registry.faults().once("PATCH", UPLOADS, new Fault.Hold(arrived, release));
    // The registry hears no more of the layer than it is told before the build is done.
    Built built = build(ONE, arrived::await);
    release.countDown();
    // The configuration has another time.
    assertThat(pushedBytes()).isEqualTo(built.result().manifest().config().size());
    assertThat(bench.registry.requests().count("DELETE", UPLOADS)).isEqualTo(1);
    assertThat(bench.registry.requests().count("PUT", UPLOADS)).isEqualTo(1);
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of("POST", Fault.status(503)),
        Arguments.of("PATCH", Fault.status(413)),
        Arguments.of("PATCH", Fault.status(405)),
        Arguments.of("PATCH", Fault.error(404, "BLOB_UPLOAD_UNKNOWN", "gone")),
        Arguments.of("PATCH", Fault.cutRequest(1 << 20)),
        Arguments.of("PATCH", Fault.status(202)),
        Arguments.of("PUT", Fault.error(400, "DIGEST_INVALID", "no")));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("faults")
  void whatFailsIsSentByThePush(String method, Fault fault) throws Exception {
    bench.registry.faults().once(method, UPLOADS, fault);
    // So that it does not meet what the push sends.
    var requests = bench.registry.requests();
    check(build(ONE, () -> Awaitility.await().until(() -> requests.count(method, UPLOADS) == 1)));
  }

  @Test
  void aRefusalThatLastsIsThePushsFailure() {
    bench.registry.faults().always("POST", UPLOADS, Fault.error(403, "DENIED", "not yours"));
    assertThatThrownBy(() -> build(ONE))
        .isInstanceOf(BuildException.class)
        .hasMessageContaining("not yours")
        .extracting(e -> ((BuildException) e).reason())
        .isEqualTo(FailureReason.PushDenied);
  }

  @Test
  void aBuildThatFailsMeanwhileLeavesNoUpload() throws Exception {
    var arrived = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    bench.registry.faults().once("PATCH", UPLOADS, new Fault.Hold(arrived, release));
    try (var pusher = new ImagePusher(bench.store(), bench.client)) {
      assertThatThrownBy(
              () ->
                  bench.build(
                      ONE,
                      StepCache.local(bench.store(), ""),
                      builder -> builder.sending(pusher, List.of(image)),
                      result -> {
                        arrived.await();
                        throw new BuildException(FailureReason.PushDenied, "not today");
                      }))
          .hasMessageContaining("not today");
    }
    release.countDown();
    assertThat(bench.registry.requests().count("DELETE", UPLOADS)).isEqualTo(1);
    assertThat(bench.registry.requests().count("PUT", "/v2/shop/api/")).isZero();
  }
}
