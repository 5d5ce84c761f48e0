package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A namespace of one test, which goes with it. */
final class TestNamespace implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private final Cluster cluster;
  private final String name;

  private TestNamespace(Cluster cluster, String name) {
    this.cluster = cluster;
    this.name = name;
  }

  /** Makes a namespace that enforces a level of Pod Security. */
  static TestNamespace create(Cluster cluster, String podSecurity) {
    var namespace = new TestNamespace(cluster, "test-" + COUNT.incrementAndGet());
    cluster.apply(
        """
        apiVersion: v1
        kind: Namespace
        metadata:
          name: %s
          labels: {pod-security.kubernetes.io/enforce: %s}
        """
            .formatted(namespace.name, podSecurity));
    return namespace;
  }

  String name() {
    return name;
  }

  /** kubectl in this namespace, which must succeed. */
  String kubectl(String... arguments) {
    return cluster
        .kubectl()
        .ok(Stream.concat(Stream.of("-n", name), Stream.of(arguments)).toArray(String[]::new));
  }

  /** Applies a manifest, which must be accepted. */
  void apply(String yaml) {
    cluster.kubectl().withInput(yaml, "-n", name, "apply", "-f", "-").orThrow();
  }

  /** Applies a manifest that must be refused, and gives kubectl's words. */
  String refused(String yaml) {
    var result = cluster.kubectl().withInput(yaml, "-n", name, "apply", "-f", "-");
    assertThat(result.succeeded()).as("applied:%n%s%n%s", yaml, result.output()).isFalse();
    return result.output();
  }

  /** Runs a pod of an image to its end and gives what it printed; no arguments: its own command. */
  String runPod(String image, String... arguments) {
    var pod = "run-" + COUNT.incrementAndGet();
    var command =
        arguments.length == 0
            ? ""
            : "command: "
                + Stream.of(arguments)
                    .map(
                        argument ->
                            '"' + argument.replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                    .collect(Collectors.joining(", ", "[", "]"));
    apply(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: %s}
        spec:
          restartPolicy: Never
          automountServiceAccountToken: false
          containers:
          - name: main
            image: %s
            imagePullPolicy: Always
            %s
        """
            .formatted(pod, image, command));
    var phase =
        Awaitility.await("pod " + pod + " of " + image)
            .atMost(Duration.ofSeconds(60))
            .pollInterval(Duration.ofMillis(300))
            .until(
                () -> kubectl("get", "pod", pod, "-o", "jsonpath={.status.phase}"),
                Set.of("Succeeded", "Failed")::contains);
    var output = kubectl("logs", pod);
    assertThat(phase).as("%s of %s printed:%n%s", pod, image, output).isEqualTo("Succeeded");
    return output;
  }

  @Override
  public void close() {
    cluster.kubectl().ok("delete", "namespace", name, "--wait=false");
  }
}
