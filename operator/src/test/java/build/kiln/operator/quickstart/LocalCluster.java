package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/** As much of a cluster as Jobs of builders need, in this process and on this machine. */
final class LocalCluster implements AutoCloseable {
  /** As kube-controller-manager has it. */
  static final Duration JOB_BACKOFF = Duration.ofSeconds(10);

  private final EmbeddedApiServer server;
  private final OwnerSweep sweep;
  private final JobController jobs;
  private final ProcessKubelet kubelet;

  private LocalCluster(
      EmbeddedApiServer server, OwnerSweep sweep, JobController jobs, ProcessKubelet kubelet) {
    this.server = server;
    this.sweep = sweep;
    this.jobs = jobs;
    this.kubelet = kubelet;
  }

  /**
   * Starts it.
   *
   * @param folder for pods and their logs; the caller's to remove
   * @param lines hears of every line that a pod prints
   */
  static LocalCluster start(
      BuilderProgram program, Path folder, Duration jobBackoff, BiConsumer<Pod, String> lines)
      throws IOException {
    var logs = new PodLogFiles(Files.createDirectories(folder.resolve("logs")));
    var pods = Files.createDirectories(folder.resolve("p"));
    var server = EmbeddedApiServer.start(0, logs);
    var clock = Clock.systemUTC();
    var client = server.client();
    return new LocalCluster(
        server,
        new OwnerSweep(client),
        new JobController(client, new JobRules(jobBackoff), clock, suffixes()),
        new ProcessKubelet(client, program, pods, logs, lines, clock));
  }

  KubernetesClient client() {
    return server.client();
  }

  URI uri() {
    return server.uri();
  }

  Path writeKubeconfig(Path file) throws IOException {
    return server.writeKubeconfig(file);
  }

  /** As Kubernetes names pods: without vowels and what is easily misread. */
  private static Supplier<String> suffixes() {
    var letters = "bcdfghjklmnpqrstvwxz2456789";
    var random = new SecureRandom();
    return () -> {
      var suffix = new StringBuilder();
      for (int i = 0; i < 5; i++) {
        suffix.append(letters.charAt(random.nextInt(letters.length())));
      }
      return suffix.toString();
    };
  }

  @Override
  public void close() {
    jobs.close();
    sweep.close();
    kubelet.close();
    server.close();
  }
}
