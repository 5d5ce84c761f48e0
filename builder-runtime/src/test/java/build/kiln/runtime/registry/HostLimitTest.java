package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.registry.PushResult.How;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
}
