package build.kiln.operator.check;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.KubernetesClientTimeoutException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Proves that the operator is ready, that the API takes an ImageBuild, and that the operator looks
 * at it. The ImageBuild is suspended, so nothing is built and nothing is pushed; it is deleted
 * afterwards.
 */
public final class InstallationCheck {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final String MANIFEST =
      """
      apiVersion: kiln.build/v1alpha1
      kind: ImageBuild
      metadata:
        generateName: kiln-check-
      spec:
        suspend: true
        dockerfile:
          inline: FROM scratch
        output:
          image: registry.invalid/kiln/check
      """;

  private final KubernetesClient client;
  private final HttpClient http;
  private final Duration patience;

  /**
   * A check.
   *
   * @param patience how long the operator may take to look at a new ImageBuild
   */
  InstallationCheck(KubernetesClient client, HttpClient http, Duration patience) {
    this.client = client;
    this.http = http;
    this.patience = patience;
  }

  /** {@code kiln-operator check READINESS_URL NAMESPACE}: exit code 0 if all is well, else 1. */
  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length != 2) {
      System.err.println("usage: kiln-operator check READINESS_URL NAMESPACE");
      System.exit(2);
    }
    boolean passed;
    try (var client = new KubernetesClientBuilder().build();
        var http = HttpClient.newHttpClient()) {
      passed =
          new InstallationCheck(client, http, PATIENCE)
              .run(URI.create(arguments[0]), arguments[1], System.out);
    }
    System.exit(passed ? 0 : 1);
  }

  /** Runs all steps, with a line for each; the first that fails is the last. */
  boolean run(URI readiness, String namespace, PrintStream out) throws InterruptedException {
    try {
      out.println("ok: " + ready(readiness));
      var build = client.resources(ImageBuild.class).inNamespace(namespace).resource(manifest());
      var created = build.create();
      out.println("ok: the API took the ImageBuild " + name(created));
      var resource = client.resource(created);
      try {
        out.println("ok: " + lookedAt(resource, created));
      } finally {
        resource.delete();
      }
      return true;
    } catch (Failure e) {
      out.println("failed: " + e.getMessage());
    } catch (KubernetesClientException e) {
      out.println("failed: the API refused: " + e.getMessage());
    }
    return false;
  }

  private static ImageBuild manifest() {
    return Serialization.unmarshal(MANIFEST, ImageBuild.class);
  }

  private String ready(URI readiness) throws Failure, InterruptedException {
    try {
      var request = HttpRequest.newBuilder(readiness).timeout(patience).build();
      var response = http.send(request, HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new Failure(
            "%s answers %d: %s".formatted(readiness, response.statusCode(), response.body()));
      }
      return readiness + " answers 200";
    } catch (IOException e) {
      throw new Failure("%s does not answer: %s".formatted(readiness, e));
    }
  }

  private String lookedAt(Resource<ImageBuild> resource, ImageBuild created) throws Failure {
    long generation = Objects.requireNonNullElse(created.getMetadata().getGeneration(), 1L);
    try {
      var seen =
          resource.waitUntilCondition(
              build -> observed(build) >= generation, patience.toMillis(), TimeUnit.MILLISECONDS);
      return "the operator wrote the status of " + name(seen);
    } catch (KubernetesClientTimeoutException e) {
      throw new Failure(
          "the operator wrote no status on %s within %d s: see its log"
              .formatted(name(created), patience.toSeconds()));
    }
  }

  private static long observed(@Nullable ImageBuild build) {
    ImageBuildStatus status = build == null ? null : build.getStatus();
    return status == null ? 0 : Objects.requireNonNullElse(status.observedGeneration(), 0L);
  }

  private static String name(ImageBuild build) {
    return build.getMetadata().getNamespace() + "/" + build.getMetadata().getName();
  }

  /** A step that failed, in words for the person who reads the pod's log. */
  private static final class Failure extends Exception {
    private static final long serialVersionUID = 1;

    Failure(String message) {
      super(message);
    }
  }
}
