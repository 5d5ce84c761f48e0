package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.registry.HostLimit.Lane;
import build.kiln.runtime.registry.PushResult.How;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How much goes to a registry at once. */
@Timeout(60)
class HostLimitTest {
  @Test
  void smallRequestsAndUploadsDoNotWaitBehindADownload() throws IOException {
    byte[] bytes = Bench.bytes(500_000, 1);
    byte[] more = Bench.bytes(500_000, 2);
    RegistryConfig one = RegistryConfig.builder().transfersPerHost(1).build();
    try (var bench = new Bench();
        var client = bench.client(one, Credentials.anonymous())) {
      Descriptor image = Bench.pushImage(client, bench.ref("a:1"), "{}");
      Descriptor blob = Bench.push(client, bench.ref("a"), bytes);
      try (InputStream download = client.openBlob(bench.ref("a"), blob)) {
        assertThat(download.read()).isNotNegative();

        assertThat(client.head(bench.ref("a:1"))).contains(image);
        assertThat(
                client
                    .pushBlob(bench.ref("a"), Bench.blob(more), BlobSource.of(more), List.of())
                    .how())
            .isEqualTo(How.UPLOADED);
      }
    }
  }

  @Test
  void aDownloadBeyondTheLimitBeginsWhenAnotherEnds() throws Exception {
    byte[] bytes = Bench.bytes(500_000, 1);
    RegistryConfig one = RegistryConfig.builder().transfersPerHost(1).build();
    try (var bench = new Bench();
        var client = bench.client(one, Credentials.anonymous())) {
      Descriptor blob = Bench.push(client, bench.ref("a"), bytes);
      CompletableFuture<byte[]> second;
      try (InputStream first = client.openBlob(bench.ref("a"), blob)) {
        second = CompletableFuture.supplyAsync(() -> read(client, bench, blob));
        assertThat(first.readNBytes(1000)).hasSize(1000);
        assertThat(bench.registry.requests().count("GET", "/blobs/")).isEqualTo(1);
        assertThat(second).isNotDone();
      }
      assertThat(second.get()).isEqualTo(bytes);
      assertThat(bench.registry.requests().count("GET", "/blobs/")).isEqualTo(2);
    }
  }

  private static byte[] read(RegistryClient client, Bench bench, Descriptor blob) {
    try (InputStream in = client.openBlob(bench.ref("a"), blob)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Threads that want a place in a lane, and wait for it. */
  private static final class Waiters {
    private final HostLimit limit;
    private final Semaphore through = new Semaphore(0);

    Waiters(HostLimit limit) {
      this.limit = limit;
    }

    Thread add(Lane lane) {
      Thread thread =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      limit.acquire(lane);
                      through.release();
                    } catch (InterruptedException e) {
                      // Wanted by the test.
                    }
                  });
      while (thread.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
      return thread;
    }

    /** Waits until so many more are through, and no other is. */
    void awaitThrough(int count) throws InterruptedException {
      assertThat(through.tryAcquire(count, 30, TimeUnit.SECONDS)).isTrue();
      Thread.sleep(20);
      assertThat(through.availablePermits()).isZero();
    }
  }

  private static HostLimit full(int transfers, Lane... lanes) throws InterruptedException {
    var limit = new HostLimit(transfers);
    for (Lane lane : lanes) {
      limit.acquire(lane);
    }
    return limit;
  }

  @Test
  void aPlaceThatIsFreedGoesToOneWhoWaitsForThatLane() throws InterruptedException {
    HostLimit limit = full(1, Lane.UPLOAD, Lane.DOWNLOAD);
    var waiters = new Waiters(limit);
    waiters.add(Lane.DOWNLOAD);
    waiters.add(Lane.UPLOAD);
    waiters.add(Lane.UPLOAD);

    for (int i = 0; i < 2; i++) {
      limit.release(Lane.UPLOAD);
      waiters.awaitThrough(1);
    }
    limit.release(Lane.DOWNLOAD);
    waiters.awaitThrough(1);
  }

  @Test
  void whenMoreIsAllowedAllLanesAreWoken() throws InterruptedException {
    HostLimit limit = full(4, Lane.UPLOAD, Lane.UPLOAD, Lane.DOWNLOAD, Lane.DOWNLOAD);
    limit.answered(429);
    var waiters = new Waiters(limit);
    waiters.add(Lane.UPLOAD);
    waiters.add(Lane.UPLOAD);
    waiters.add(Lane.DOWNLOAD);

    for (int good = 0; good < 20; good++) {
      limit.answered(200);
    }

    waiters.awaitThrough(2);
  }

  @Test
  void afterLessIsAllowedNobodyIsLetInTooEarlyAndNobodyForgotten() throws InterruptedException {
    HostLimit limit = full(4, Lane.UPLOAD, Lane.UPLOAD, Lane.UPLOAD, Lane.UPLOAD);
    var waiters = new Waiters(limit);
    for (int i = 0; i < 3; i++) {
      waiters.add(Lane.UPLOAD);
    }
    limit.answered(429);

    limit.release(Lane.UPLOAD);
    limit.release(Lane.UPLOAD);
    waiters.awaitThrough(0);

    limit.release(Lane.UPLOAD);
    waiters.awaitThrough(1);
    limit.release(Lane.UPLOAD);
    limit.release(Lane.UPLOAD);
    waiters.awaitThrough(2);
  }

  @Test
  void whoIsInterruptedTakesNoPlace() throws InterruptedException {
    HostLimit limit = full(1, Lane.UPLOAD);
    var waiters = new Waiters(limit);
    Thread first = waiters.add(Lane.UPLOAD);
    waiters.add(Lane.UPLOAD);

    first.interrupt();
    limit.release(Lane.UPLOAD);

    first.join();
    waiters.awaitThrough(1);
  }
}
