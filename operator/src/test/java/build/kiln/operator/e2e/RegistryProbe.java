package build.kiln.operator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Optional;

/** Asks the registry in the cluster, without Kiln's own client. */
final class RegistryProbe {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private RegistryProbe() {}

  /** The digest that the registry gives a tag. */
  static String digest(Cluster cluster, String repository, String tag) {
    return find(cluster, repository, tag)
        .orElseThrow(() -> new AssertionError("no " + repository + ":" + tag));
  }

  /** The digest of a tag or digest; empty if the registry has no such manifest. */
  static Optional<String> find(Cluster cluster, String repository, String reference) {
    var uri =
        URI.create(
            "http://%s/v2/%s/manifests/%s"
                .formatted(cluster.hostAddress(Service.REGISTRY), repository, reference));
    var request =
        HttpRequest.newBuilder(uri)
            .header("Accept", "application/vnd.oci.image.manifest.v1+json")
            .method("HEAD", HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      var response = HTTP.send(request, BodyHandlers.discarding());
      return switch (response.statusCode()) {
        case 200 -> response.headers().firstValue("Docker-Content-Digest");
        case 404 -> Optional.empty();
        default -> throw new AssertionError(uri + " answered " + response.statusCode());
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
