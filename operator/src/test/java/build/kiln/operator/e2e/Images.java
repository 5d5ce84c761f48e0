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

  /**
   * An image of the daemon whose file /etc/kiln-e2e holds a tag, and which so differs from others.
   */
  static String holding(String tag) {
    String name = "kiln-e2e-holding:" + tag;
    String container = "kiln-e2e-holding-" + tag + "-" + ProcessHandle.current().pid();
    Processes.run(
            "docker",
            "run",
            "--name",
            container,
            "--network=none",
            BUSYBOX,
            "sh",
            "-c",
            "echo " + tag + " > /etc/kiln-e2e")
        .orThrow();
    try {
      Processes.run("docker", "commit", container, name).orThrow();
    } finally {
      Processes.run("docker", "rm", "-f", container);
    }
    return name;
  }
}
