package build.kiln.operator.e2e;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.k3s.K3sContainer;
import org.testcontainers.utility.DockerImageName;

/** A Kubernetes of one node in a container, with two registries and a Git server in it. */
final class Cluster implements AutoCloseable {
  /** The namespace of what the tests need around Kiln. */
  static final String SERVICES = "kiln-e2e";

  private final K3sContainer node;
  private final Path folder;
  private final Kubectl kubectl;
  private final KubernetesClient client;

  private Cluster(K3sContainer node, Path folder) throws IOException {
    this.node = node;
    this.folder = folder;
    var kubeconfig = Files.writeString(folder.resolve("kubeconfig"), node.getKubeConfigYaml());
    this.kubectl = new Kubectl(kubeconfig);
    this.client =
        new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(node.getKubeConfigYaml()))
            .build();
  }

  static Cluster start() {
    var image =
        DockerImageName.parse(
                System.getenv().getOrDefault("KILN_K3S_IMAGE", "rancher/k3s:v1.35.0-k3s1"))
            .asCompatibleSubstituteFor("rancher/k3s");
    var node = new K3sContainer(image);
    var ports = new ArrayList<>(List.of(K3sContainer.KUBE_SECURE_PORT));
    for (var service : Service.values()) {
      ports.add(service.nodePort());
    }
    node.withExposedPorts(ports.toArray(Integer[]::new));
    // Where containerd finds the registries in the cluster: k3s reads the one, plain containerd the
    // other.
    node.withCopyToContainer(
        Transferable.of(Service.registriesYaml()), "/etc/rancher/k3s/registries.yaml");
    for (var registry : Service.registries()) {
      node.withCopyToContainer(
          Transferable.of(registry.hostsToml()),
          "/etc/containerd/certs.d/" + registry.address() + "/hosts.toml");
    }
    node.withCopyToContainer(
        Transferable.of(Service.REGISTRY.hostsToml()),
        "/etc/containerd/certs.d/docker.io/hosts.toml");
    node.start();
    try {
      var cluster = new Cluster(node, Files.createTempDirectory("kiln-e2e"));
      cluster.load(Images.BUSYBOX, Images.REGISTRY);
      ServersImage.make();
      cluster.load(ServersImage.NAME);
      cluster.apply(Service.manifests());
      cluster.kubectl.ok(
          "-n",
          SERVICES,
          "wait",
          "--for=condition=Available",
          "--timeout=120s",
          "deployment",
          "--all");
      for (var service : Service.values()) {
        cluster.awaitReachable(service);
      }
      for (var base : List.of(Images.BUSYBOX, Images.DEBIAN)) {
        // Where the mirror of Docker Hub has it.
        Images.push(base, cluster.hostAddress(Service.REGISTRY) + "/library/" + base);
      }
      return cluster;
    } catch (IOException e) {
      node.stop();
      throw new UncheckedIOException(e);
    } catch (RuntimeException | Error e) {
      node.stop();
      throw e;
    }
  }

  Kubectl kubectl() {
    return kubectl;
  }

  KubernetesClient client() {
    return client;
  }

  /** A folder for this test run's files. */
  Path folder() {
    return folder;
  }

  /** Where this test reaches a service of the cluster, as host:port. */
  String hostAddress(Service service) {
    return node.getHost() + ":" + node.getMappedPort(service.nodePort());
  }

  /** The node's proxy learns of a service a moment after its pod is ready. */
  private void awaitReachable(Service service) {
    var uri = URI.create("http://" + hostAddress(service) + "/");
    Awaitility.await(service + " answers at " + uri)
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(200))
        .ignoreExceptions()
        .until(
            () -> {
              ((HttpURLConnection) uri.toURL().openConnection()).getResponseCode();
              return true;
            });
  }

  /** Applies manifests, as a user would. */
  void apply(String yaml) {
    kubectl.withInput(yaml, "apply", "-f", "-").orThrow();
  }

  /** Gives images of the Docker daemon to the node. */
  void load(String... images) {
    var save = new ArrayList<>(List.of("docker", "save"));
    save.addAll(List.of(images));
    Processes.pipe(save, importCommand());
  }

  /** Gives the images of a {@code docker save} file to the node. */
  void load(Path archive) {
    Processes.pipe(List.of("cat", archive.toString()), importCommand());
  }

  /** Runs a command on the node. */
  String onNode(String... command) {
    var whole = new ArrayList<>(List.of("docker", "exec", node.getContainerId()));
    whole.addAll(List.of(command));
    return Processes.run(whole.toArray(String[]::new)).orThrow();
  }

  /** Where the node's container runtime listens: K3s has a place of its own for it. */
  String criSocket() {
    return onNode(
            "sh",
            "-c",
            "for s in /run/k3s/containerd/containerd.sock /run/containerd/containerd.sock; do [ -S $s ] && echo $s && break; done")
        .strip();
  }

  private List<String> importCommand() {
    return List.of(
        "docker", "exec", "-i", node.getContainerId(), "k3s", "ctr", "images", "import", "-");
  }

  @Override
  public void close() {
    client.close();
    node.stop();
  }
}
