package build.kiln.operator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** Asks the registry in the cluster, without Kiln's own client. */
final class RegistryProbe {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private static final String ACCEPTED =
      "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

  private RegistryProbe() {}

  /** The digest that the registry gives a tag. */
  static String digest(Cluster cluster, String repository, String tag) {
    return find(cluster, repository, tag)
        .orElseThrow(() -> new AssertionError("no " + repository + ":" + tag));
  }

  /** The digest of a tag or digest; empty if the registry has no such manifest. */
  static Optional<String> find(Cluster cluster, String repository, String reference) {
    return find(cluster, Service.REGISTRY, repository, reference);
  }

  /** The same of a registry, which may want the tests' login. */
  static Optional<String> find(
      Cluster cluster, Service registry, String repository, String reference) {
    var response = send("HEAD", cluster.hostAddress(registry), repository, reference);
    return switch (response.statusCode()) {
      case 200 -> response.headers().firstValue("Docker-Content-Digest");
      case 404 -> Optional.empty();
      default -> throw new AssertionError(response + " for " + reference);
    };
  }

  /** Deletes a manifest with the tags that point at it. */
  static void delete(Cluster cluster, String repository, String digest) {
    var response = send("DELETE", cluster.hostAddress(Service.REGISTRY), repository, digest);
    if (response.statusCode() != 202) {
      throw new AssertionError(response + " for " + digest);
    }
  }

  private static HttpResponse<Void> send(
      String method, String registry, String repository, String reference) {
    var login = Service.USER + ":" + Service.PASSWORD;
    var request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://%s/v2/%s/manifests/%s".formatted(registry, repository, reference)))
            .header("Accept", ACCEPTED)
            .header(
                "Authorization",
                "Basic "
                    + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8)))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      return HTTP.send(request, BodyHandlers.discarding());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
