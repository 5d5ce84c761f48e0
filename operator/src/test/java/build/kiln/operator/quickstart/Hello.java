package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/** The example that the quickstart applies. */
final class Hello {
  /** Where the example's image would go; nobody answers there. */
  static final String REGISTRY = "registry.example.com";

  static final String MANIFEST = "examples/hello/imagebuild.yaml";
  static final String NAMESPACE = "default";

  /** What the image holds, and what is in it. */
  static final String FILE = "hello.txt";

  static final String CONTENT = "Hello, Kiln!\n";

  private Hello() {}

  /** The manifest as committed, but for the registry. */
  static String manifest(Path repository, String registry) throws IOException {
    var text = Files.readString(repository.resolve(MANIFEST));
    if (!text.contains(REGISTRY)) {
      throw new IOException(MANIFEST + " does not name " + REGISTRY + " any more");
    }
    return text.replace(REGISTRY, registry);
  }

  /** Applies the manifest. */
  static ImageBuild apply(KubernetesClient client, String manifest) {
    var build = Serialization.unmarshal(manifest, ImageBuild.class);
    build.getMetadata().setNamespace(NAMESPACE);
    return client.resource(build).create();
  }

  /**
   * Waits until its run is over, and shows what changes meanwhile.
   *
   * @return empty if it takes too long
   */
  static Optional<ImageBuild> follow(
      KubernetesClient client, ImageBuild build, Screen screen, Duration limit)
      throws InterruptedException {
    var over = new CompletableFuture<ImageBuild>();
    var shown = new AtomicReference<>("");
    try (var informer =
        client
            .resources(ImageBuild.class)
            .inNamespace(NAMESPACE)
            .withName(build.getMetadata().getName())
            .inform(
                Watching.state(
                    now -> {
                      ready(now).ifPresent(ready -> show(ready, shown, screen));
                      if (isOver(now)) {
                        over.complete(now);
                      }
                    }))) {
      return Optional.of(over.get(limit.toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    } catch (ExecutionException e) {
      throw new IllegalStateException("nothing completes it with a failure", e);
    }
  }

  private static void show(Condition ready, AtomicReference<String> shown, Screen screen) {
    var text =
        "Ready=%s  %s  %s".formatted(ready.getStatus(), ready.getReason(), ready.getMessage());
    if (!shown.getAndSet(text).equals(text)) {
      screen.step("status", text);
    }
  }

  private static boolean isOver(ImageBuild build) {
    return Optional.ofNullable(build.getStatus())
        .flatMap(ImageBuildStatus::newestRun)
        .filter(run -> run.phase().finished())
        .isPresent();
  }

  static Optional<Condition> ready(ImageBuild build) {
    return Optional.ofNullable(build.getStatus()).flatMap(status -> status.condition("Ready"));
  }
}
