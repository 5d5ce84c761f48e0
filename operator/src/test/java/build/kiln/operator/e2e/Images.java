package build.kiln.operator.e2e;

import java.util.List;

/** Images in the Docker daemon. */
final class Images {
  static final String BUSYBOX = "busybox:1";
  static final String DEBIAN = "debian:trixie-slim";
  static final String JRE = "eclipse-temurin:25-jre";
  static final String REGISTRY = "registry:2";

  /** What the tests' images are made from. */
  static final List<String> BASES = List.of(BUSYBOX, DEBIAN, JRE, REGISTRY);

  private Images() {}

  static boolean isInDaemon(String image) {
    return Processes.run("docker", "image", "inspect", image).succeeded();
  }

  static boolean pull(String image) {
    return Processes.run("docker", "pull", "--quiet", image).succeeded();
  }

  /** Pushes an image of the daemon to a registry on loopback, which docker takes to be insecure. */
  static void push(String image, String target) {
    Processes.run("docker", "tag", image, target).orThrow();
    try {
      Processes.run("docker", "push", "--quiet", target).orThrow();
    } finally {
      Processes.run("docker", "rmi", "--no-prune", target);
    }
  }
}
