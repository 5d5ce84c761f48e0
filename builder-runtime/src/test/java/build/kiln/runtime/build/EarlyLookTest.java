package build.kiln.runtime.build;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.build.BuildBench.Built;
import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.embedded.Fault;
import build.kiln.runtime.testkit.ImageValidator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An image that its names point at already is not asked for blob by blob. */
class EarlyLookTest {
  private static final String BLOBS = "/v2/shop/api/blobs/";
  private static final String MANIFESTS = "/v2/shop/api/manifests/";
  private static final String DOCKERFILE = "FROM scratch\nCOPY file /\n";

  @TempDir Path folder;
  private BuildBench bench;
  private List<Reference> names;

  @BeforeEach
  void start() throws IOException {
    bench = new BuildBench(folder);
    bench.file("file", "one");
    names =
        List.of(
            bench.registry.reference("shop/api:1"), bench.registry.reference("shop/api:latest"));
  }

  @AfterEach
  void stop() throws IOException {
    bench.close();
  }

  /** What happens between the steps and the push. */
  @FunctionalInterface
  private interface BeforePush {
    void run() throws Exception;
  }

  private Built build(BeforePush before) throws Exception {
    try (var pusher = new ImagePusher(bench.store(), bench.client)) {
      return bench.build(
          DOCKERFILE,
          StepCache.local(bench.store(), ""),
          builder -> builder.sending(pusher, names),
          result -> {
            try {
              before.run();
            } catch (Exception e) {
              throw new AssertionError(e);
            }
            pusher.push(result, names, bench.progress());
            return names;
          });
    }
  }

  /** Pushes; its requests do not count. */
  private void pushBefore() throws Exception {
    build(() -> {});
    bench.registry.requests().clear();
  }

  private void awaitLooks(int count) {
    Awaitility.await().until(() -> bench.registry.requests().count("HEAD", MANIFESTS) >= count);
  }

  private void check(Built built) throws Exception {
    for (Reference name : names) {
      assertThat(bench.client.fetchManifest(name).descriptor())
          .isEqualTo(built.result().descriptor());
      ImageValidator.assertValid(bench.client, name);
    }
  }

  @Test
  void whatIsThereIsAskedForByItsNamesAlone() throws Exception {
    pushBefore();

    check(build(() -> awaitLooks(2)));

    // Each when the build begins, and once more when it is over.
    assertThat(bench.registry.requests().count("HEAD", MANIFESTS)).isEqualTo(4);
    assertThat(bench.registry.requests().count("PUT", MANIFESTS)).isZero();
    assertThat(bench.registry.requests().count("HEAD", BLOBS)).isZero();
  }

  @Test
  void aTagThatIsMovedMeanwhileIsMovedBack() throws Exception {
    build(() -> {});
    bench.file("file", "two");
    build(() -> {});
    var other = bench.client.fetchManifest(names.getLast());
    bench.file("file", "one");
    pushBefore();

    check(
        build(
            () -> {
              awaitLooks(2);
              bench.client.pushManifest(
                  names.getLast(), other.bytes(), other.descriptor().mediaType());
            }));
  }

  @Test
  void oneNameThatIsNotThereIsGiven() throws Exception {
    build(() -> {});
    bench.client.deleteManifest(names.getLast());
    bench.registry.requests().clear();

    check(build(() -> awaitLooks(2)));
  }

  @Test
  void aRegistryThatTellsNothingGetsThePush() throws Exception {
    build(() -> {});
    bench.registry.faults().always("HEAD", MANIFESTS, Fault.error(403, "DENIED", "not yours"));
    bench.registry.requests().clear();

    check(build(() -> awaitLooks(2)));

    assertThat(bench.registry.requests().count("PUT", MANIFESTS)).isEqualTo(3);
  }

  @Test
  void aRegistryThatFailsTheSecondTimeGetsThePush() throws Exception {
    pushBefore();

    check(
        build(
            () -> {
              awaitLooks(2);
              bench.registry.faults().once("HEAD", MANIFESTS, Fault.status(400));
            }));

    assertThat(bench.registry.requests().count("PUT", MANIFESTS)).isEqualTo(3);
  }

  @Test
  void aBuildWithoutCacheAsksForAllBlobs() throws Exception {
    pushBefore();

    bench.request(BuildRequest::withoutCache);
    build(() -> {});

    assertThat(bench.registry.requests().count("HEAD", MANIFESTS)).isZero();
    assertThat(bench.registry.requests().count("HEAD", BLOBS)).isPositive();
  }

  @Test
  void aRegistryThatDoesNotAnswerIsNotWaitedFor() throws Exception {
    build(() -> {});
    var arrived = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    bench.registry.faults().once("HEAD", MANIFESTS, new Fault.Hold(arrived, release));

    check(build(arrived::await));

    release.countDown();
  }
}
