package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageMirror;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.Conditions;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** ImageMirrors of a test's namespace. */
record Mirrors(Cluster cluster, TestNamespace namespace) {
  private static final Duration POLL = Duration.ofMillis(250);

  /** An address below which {@link #manifest} mirrors to, in the registry that wants a login. */
  String prefix() {
    return Service.PRIVATE_REGISTRY.address() + "/" + namespace.name();
  }

  /** The repository of a name that mirrors take images from. */
  String source(String name) {
    return namespace.repository(name);
  }

  /** Puts an image of the daemon to where mirrors take it from. */
  void push(String image, String name, String tag) {
    Images.push(
        image,
        "%s/%s/%s:%s"
            .formatted(cluster.hostAddress(Service.REGISTRY), namespace.name(), name, tag));
  }

  /** Makes a login for the destination, or another one in its place. */
  void login(String password) {
    cluster.kubectl().run("-n", namespace.name(), "delete", "secret", "login");
    namespace.kubectl(
        "create",
        "secret",
        "docker-registry",
        "login",
        "--docker-server=" + Service.PRIVATE_REGISTRY.address(),
        "--docker-username=" + Service.USER,
        "--docker-password=" + password);
  }

  /** The example, with this namespace's registries and a login in place, and these fields more. */
  String manifest(String name, String... more) {
    return Example.text("examples/mirror/imagemirror.yaml")
            .replace("name: alpine", "name: " + name)
            .replace("docker.io/library/alpine", source(name))
            .replace("registry.example.com/mirror ", prefix() + "\n    secretRef: {name: login} ")
        + String.join("\n", more).indent(2);
  }

  ImageMirror get(String name) {
    return Objects.requireNonNull(
        cluster
            .client()
            .resources(ImageMirror.class)
            .inNamespace(namespace.name())
            .withName(name)
            .get(),
        () -> "no ImageMirror " + name);
  }

  private ImageMirrorStatus status(String name) {
    return Objects.requireNonNullElse(get(name).getStatus(), ImageMirrorStatus.NONE);
  }

  static Optional<Condition> ready(ImageMirrorStatus status) {
    return Conditions.find(status.conditions(), Conditions.READY);
  }

  static ScheduledRun run(ImageMirrorStatus status) {
    return Objects.requireNonNull(status.run(), "no run in the status");
  }

  /** Waits as a user would, {@code kubectl wait}. */
  ImageMirrorStatus awaitReady(String name) {
    return awaitCondition(name, "Ready");
  }

  /** Waits for a condition to be true. */
  ImageMirrorStatus awaitCondition(String name, String condition) {
    var wait =
        cluster
            .kubectl()
            .run(
                "-n",
                namespace.name(),
                "wait",
                "--for=condition=" + condition,
                "--timeout=" + TestNamespace.PATIENCE.toSeconds() + "s",
                "kmirror/" + name);
    assertThat(wait.succeeded()).as(() -> wait.output() + story(name)).isTrue();
    return status(name);
  }

  /** Waits until a mirror's status is as wished. */
  ImageMirrorStatus await(String name, String wish, Predicate<ImageMirrorStatus> wished) {
    return Awaitility.await(name + " " + wish)
        .atMost(TestNamespace.PATIENCE)
        .pollInterval(POLL)
        .conditionEvaluationListener(
            state -> {
              if (state.getRemainingTimeInMS() < POLL.toMillis() * 2 && !state.isSatisfied()) {
                System.err.println(story(name));
              }
            })
        .until(() -> status(name), wished);
  }

  /** Waits for the end of a run that is newer than another. */
  ImageMirrorStatus awaitRunAfter(String name, long number) {
    return await(
        name,
        "has finished a run after %d".formatted(number),
        status ->
            status.run() != null && status.run().number() > number && status.run().finished());
  }

  /** Waits for a pod of a mirror to run. */
  Pod awaitPod(String name) {
    return Awaitility.await("a pod of " + name + " runs")
        .atMost(TestNamespace.PATIENCE)
        .pollInterval(POLL)
        .until(
            () ->
                namespace.pods().stream()
                    .filter(pod -> pod.getMetadata().getName().startsWith(name + "-"))
                    .filter(pod -> "Running".equals(pod.getStatus().getPhase()))
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  /** The digest of a tag at the source. */
  String sourceDigest(String name, String tag) {
    return RegistryProbe.digest(cluster, namespace.name() + "/" + name, tag);
  }

  /** The digest of a tag at the destination; empty if it is not there. */
  Optional<String> mirrored(String name, String tag) {
    var path = namespace.name() + "/" + namespace.name() + "/" + name;
    return RegistryProbe.find(cluster, Service.PRIVATE_REGISTRY, path, tag);
  }

  private String story(String name) {
    return namespace.story("kmirror", name, "kiln-mirror");
  }
}
