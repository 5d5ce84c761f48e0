package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A namespace of one test, which goes with it. */
final class TestNamespace implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Duration POLL = Duration.ofMillis(250);

  /** Long for one build, since other tests build at the same time. */
  static final Duration PATIENCE = Duration.ofMinutes(4);

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

  /** The repository in the cluster that an ImageBuild of this name pushes to. */
  String repository(String build) {
    return Service.REGISTRY.address() + "/" + name + "/" + build;
  }

  /** kubectl in this namespace, which must succeed. */
  String kubectl(String... arguments) {
    return cluster
        .kubectl()
        .ok(Stream.concat(Stream.of("-n", name), Stream.of(arguments)).toArray(String[]::new));
  }

  /** Applies a manifest, which must be accepted, and gives kubectl's words. */
  String apply(String yaml) {
    return cluster.kubectl().withInput(yaml, "-n", name, "apply", "-f", "-").orThrow();
  }

  /** Applies an ImageBuild of this spec that pushes to {@link #repository}. */
  void build(String build, String spec) {
    apply(manifest(build, spec));
  }

  /** An ImageBuild of this spec; without an output it pushes to {@link #repository}. */
  String manifest(String build, String spec) {
    var output =
        spec.lines().anyMatch(line -> line.startsWith("output:"))
            ? ""
            : "output: {image: \"%s\"}\n".formatted(repository(build));
    return """
        apiVersion: kiln.build/v1alpha1
        kind: ImageBuild
        metadata: {name: %s}
        spec:
        """
            .formatted(build)
        + (spec + output).indent(2);
  }

  /** Applies a manifest that must be refused, and gives kubectl's words. */
  String refused(String yaml) {
    var result = cluster.kubectl().withInput(yaml, "-n", name, "apply", "-f", "-");
    assertThat(result.succeeded()).as("applied:%n%s%n%s", yaml, result.output()).isFalse();
    return result.output();
  }

  ImageBuild get(String build) {
    return Objects.requireNonNull(
        cluster.client().resources(ImageBuild.class).inNamespace(name).withName(build).get(),
        () -> "no ImageBuild " + build);
  }

  /** Waits as a user would, {@code kubectl wait}; what it came to is in the message if it fails. */
  ImageBuild awaitReady(String build) {
    var wait =
        cluster
            .kubectl()
            .run(
                "-n",
                name,
                "wait",
                "--for=condition=Ready",
                "--timeout=" + PATIENCE.toSeconds() + "s",
                "kbuild/" + build);
    assertThat(wait.succeeded()).as(() -> wait.output() + story(build)).isTrue();
    return get(build);
  }

  /** Waits until an ImageBuild is as wished. */
  ImageBuild await(String build, String wish, Predicate<ImageBuild> wished) {
    return Awaitility.await(build + " " + wish)
        .atMost(PATIENCE)
        .pollInterval(POLL)
        .conditionEvaluationListener(
            state -> {
              if (state.getRemainingTimeInMS() < POLL.toMillis() * 2 && !state.isSatisfied()) {
                System.err.println(story(build));
              }
            })
        .until(() -> get(build), wished);
  }

  /** Waits until Ready is false for this reason. */
  ImageBuild awaitFailure(String build, String reason) {
    return await(
        build,
        "is not ready: " + reason,
        found ->
            Builds.ready(found)
                .filter(condition -> reason.equals(condition.getReason()))
                .filter(condition -> "False".equals(condition.getStatus()))
                .isPresent());
  }

  /** The Jobs that an ImageBuild owns. */
  List<Job> jobs(ImageBuild build) {
    return cluster.client().batch().v1().jobs().inNamespace(name).list().getItems().stream()
        .filter(job -> job.hasOwnerReferenceFor(build.getMetadata().getUid()))
        .toList();
  }

  List<Pod> pods() {
    return cluster.client().pods().inNamespace(name).list().getItems();
  }

  /** Waits for the builder pod of a build to run. */
  Pod awaitBuilderPod(String build) {
    return Awaitility.await("a builder pod of " + build + " runs")
        .atMost(PATIENCE)
        .pollInterval(POLL)
        .until(
            () ->
                pods().stream()
                    .filter(pod -> pod.getMetadata().getName().startsWith(build + "-"))
                    .filter(pod -> "Running".equals(pod.getStatus().getPhase()))
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  /** Everything about a build that helps to see why a test fails. */
  String story(String build) {
    return story("kbuild", build, "kiln-build");
  }

  /** The same of another kind, whose pods are of a component. */
  String story(String kind, String resource, String component) {
    return Stream.of(
            new String[] {"get", kind, resource, "-o", "yaml"},
            new String[] {"get", "jobs,pods", "-o", "wide"},
            new String[] {"get", "events", "--sort-by=.lastTimestamp"},
            new String[] {
              "logs", "-l", "app.kubernetes.io/component=" + component, "--tail=60", "--prefix"
            })
        .map(
            arguments ->
                cluster
                    .kubectl()
                    .run(
                        Stream.concat(Stream.of("-n", name), Stream.of(arguments))
                            .toArray(String[]::new))
                    .output())
        .collect(Collectors.joining("\n---\n", "\n---\n", "\n"));
  }

  /** Runs a pod of an image to its end and gives what it printed; no arguments: its own command. */
  String runPod(String image, String... arguments) {
    var pod = "run-" + COUNT.incrementAndGet();
    var command =
        arguments.length == 0
            ? ""
            : "command: "
                + Stream.of(arguments)
                    .map(text -> '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"')
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
            .atMost(PATIENCE)
            .pollInterval(POLL)
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
