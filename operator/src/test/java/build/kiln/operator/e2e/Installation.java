package build.kiln.operator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Kiln, installed by its chart, its images built by {@code kiln build} from the repository's
 * Dockerfiles and pushed to the registry in the cluster.
 */
record Installation(Cluster cluster, Path repository) {
  /** The namespace of the release. */
  static final String NAMESPACE = "kiln-system";

  /** The namespace of pods that prune nodes. */
  static final String NODES = "kiln-nodes";

  private static final String RELEASE = "kiln";
  private static final String TAG = "e2e";

  /**
   * @param repository where the chart is, and what was built
   */
  static Installation install(Cluster cluster, Path repository) {
    var installation = new Installation(cluster, repository);
    var base = cluster.hostAddress(Service.REGISTRY) + "/library/" + Images.JRE;
    Images.push(Images.JRE, base);
    installation.build("builder", "builder-runtime", base);
    installation.build("operator", "operator", base);
    installation.helm(
        "upgrade",
        "--install",
        RELEASE,
        repository.resolve("charts/kiln").toString(),
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--timeout=3m",
        "--values",
        installation.values().toString());
    return installation;
  }

  /** Runs the chart's own tests. */
  String test() {
    return helm("test", RELEASE, "--namespace", NAMESPACE, "--timeout=2m", "--logs");
  }

  /** Kills the operator's pod, without grace. */
  void killOperator() {
    cluster
        .kubectl()
        .ok(
            "-n",
            NAMESPACE,
            "delete",
            "pod",
            "-l",
            "app.kubernetes.io/component=operator",
            "--grace-period=0",
            "--force");
  }

  /** The operator's log so far. */
  String log() {
    return cluster
        .kubectl()
        .run("-n", NAMESPACE, "logs", "-l", "app.kubernetes.io/component=operator", "--tail=-1")
        .output();
  }

  /** Builds an image with the kiln command of this repository and pushes it. */
  private void build(String name, String folder, String base) {
    var kiln = repository.resolve("builder-runtime/target/kiln/bin/kiln");
    var image = cluster.hostAddress(Service.REGISTRY) + "/kiln/" + name + ":" + TAG;
    Processes.run(
            List.of(
                kiln.toString(),
                "build",
                "--progress=plain",
                "--push",
                "-t",
                image,
                "--build-arg",
                "BASE=" + base,
                repository.resolve(folder).toString()),
            "",
            Map.of("KILN_STORE", cluster.folder().resolve("store").toString()))
        .orThrow();
  }

  private Path values() {
    var mirror = Service.REGISTRY.address();
    var values =
        """
        image: {repository: %1$s/kiln/operator, tag: %2$s, pullPolicy: IfNotPresent}
        builder:
          image: {repository: %1$s/kiln/builder, tag: %2$s, pullPolicy: IfNotPresent}
          resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 768Mi}}
        isolation: {allowChroot: true}
        nodes: {enabled: true, socket: %5$s}
        registries:
          mirrors: {docker.io: ["http://%1$s"]}
          insecure: [%3$s]
          allowedBases: ["docker.io/library/*", "*.%4$s*/**", "registry.invalid/**"]
          allowedOutputs: ["*.%4$s*/{namespace}/**", "registry.invalid/**"]
        timing:
          podStartGrace: 5s
          missingPoll: 2s
          progressInterval: 1s
          retry: {initial: 5s, max: 10s, missingInitial: 3s, missingMax: 5s}
        """
            .formatted(
                mirror,
                TAG,
                String.join(
                    ", ",
                    List.of(
                        "\"" + Service.REGISTRY.address() + "\"",
                        "\"" + Service.PRIVATE_REGISTRY.address() + "\"",
                        "\"" + Service.DENYING_REGISTRY.address() + "\"")),
                Cluster.SERVICES,
                cluster.criSocket());
    try {
      return Files.writeString(cluster.folder().resolve("values.yaml"), values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String helm(String... arguments) {
    var command =
        new ArrayList<>(List.of("helm", "--kubeconfig", cluster.kubectl().kubeconfig().toString()));
    command.addAll(List.of(arguments));
    return Processes.run(command, "", Map.of()).orThrow();
  }
}
