package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** The ground that the other tests stand on. */
@EndToEnd
class ClusterE2E {
  private static final String BUSYBOX = Service.REGISTRY.address() + "/library/busybox:1";

  private final Cluster cluster;

  ClusterE2E(Cluster cluster) {
    this.cluster = cluster;
  }

  @Test
  void aPodOfAPushedImageRuns() {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      var output = namespace.runPod(BUSYBOX, "echo", "hello");
      assertThat(output).isEqualTo("hello\n");
    }
  }

  @Test
  void podsReachTheServices() throws Exception {
    new GitPush("http://" + cluster.hostAddress(Service.GIT) + "/cluster.git")
        .commit(Map.of("README", "hello\n"))
        .push("main");
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      var output =
          namespace.runPod(
              BUSYBOX,
              "sh",
              "-c",
              // Debian's static busybox cannot resolve names with wget.
              "ip=$(nslookup git.%s.svc.cluster.local | tail -n +3 | sed -n 's/.*Address.*: *//p');"
                      .formatted(Cluster.SERVICES)
                  + " wget -q -O - \"http://$ip:8080/cluster.git/info/refs?service=git-upload-pack\"");
      assertThat(output).contains("refs/heads/main");
    }
  }

  @Test
  void thePrivateRegistryWantsThePassword() {
    assertThat(
            Processes.run(
                    "docker",
                    "manifest",
                    "inspect",
                    "--insecure",
                    cluster.hostAddress(Service.PRIVATE_REGISTRY) + "/busybox:1")
                .succeeded())
        .isFalse();
  }
}
