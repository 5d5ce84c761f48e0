package build.kiln.operator.e2e;

import build.kiln.operator.e2e.Processes.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * {@code ./quickstart --k3s}: the hello example on a real Kubernetes in a container, Kiln installed
 * by its chart, its images built by {@code kiln build}.
 */
public final class HelloOnK3s {
  private static final String EXAMPLE = "examples/hello/imagebuild.yaml";

  private HelloOnK3s() {}

  /**
   * Runs it.
   *
   * @param keep whether the cluster stays up until the process is ended
   * @param screen takes what is to be shown
   * @param closing takes what is to be closed in the end
   * @return what is not as it should be; empty if all is well
   */
  public static List<String> run(
      Path repository, boolean keep, Consumer<String> screen, Consumer<AutoCloseable> closing)
      throws IOException, InterruptedException {
    var missing = Prerequisites.missing();
    if (missing.isPresent()) {
      return List.of(missing.get());
    }
    screen.accept("Starting a Kubernetes of one node, with a registry ...");
    var cluster = Cluster.start();
    closing.accept(cluster);
    screen.accept("Building Kiln's images and installing the chart ...");
    Installation.install(cluster, repository);
    var problems = build(cluster, repository, screen);
    if (keep && problems.isEmpty()) {
      screen.accept(
          """

          The cluster stays up until Ctrl-C: export KUBECONFIG=%s
          Its registry, for manifests in namespace NS: %s/NS; from here: %s
          """
              .formatted(
                  cluster.kubectl().kubeconfig(),
                  Service.REGISTRY.address(),
                  cluster.hostAddress(Service.REGISTRY)));
      new CountDownLatch(1).await();
    }
    return problems;
  }

  /** Builds the example in a cluster where Kiln is installed, and runs the image. */
  static List<String> build(Cluster cluster, Path repository, Consumer<String> screen)
      throws IOException {
    var registry = Service.REGISTRY.address() + "/default";
    var manifest =
        Files.readString(repository.resolve(EXAMPLE)).replace("registry.example.com", registry);
    screen.accept(
        "Applying %s, its registry replaced by the cluster's, %s".formatted(EXAMPLE, registry));
    var kubectl = cluster.kubectl();
    show(screen, "kubectl apply -f " + EXAMPLE, kubectl.withInput(manifest, "apply", "-f", "-"));
    var ready =
        show(screen, kubectl, "wait", "--for=condition=Ready", "--timeout=3m", "kbuild/hello");
    show(screen, kubectl, "get", "kbuild");
    show(screen, kubectl, "describe", "kbuild", "hello");
    if (!ready.succeeded()) {
      return List.of("the build did not succeed");
    }
    var image = kubectl.ok("get", "kbuild", "hello", "-o", "jsonpath={.status.image}");
    // Not "run --rm -i": attaching to a container that ends at once may show nothing of it.
    show(screen, kubectl, "run", "hello", "--restart=Never", "--image=" + image);
    show(
        screen,
        kubectl,
        "wait",
        "--for=jsonpath={.status.phase}=Succeeded",
        "--timeout=1m",
        "pod/hello");
    var said = show(screen, kubectl, "logs", "hello");
    show(screen, kubectl, "delete", "pod", "hello", "--wait=false");
    if (!said.output().contains("Hello, Kiln!")) {
      return List.of("a pod of the image should print \"Hello, Kiln!\"");
    }
    return List.of();
  }

  private static Result show(Consumer<String> screen, Kubectl kubectl, String... arguments) {
    return show(screen, "kubectl " + String.join(" ", arguments), kubectl.run(arguments));
  }

  private static Result show(Consumer<String> screen, String command, Result result) {
    screen.accept("\n$ " + command + "\n" + result.output().stripTrailing());
    return result;
  }
}
