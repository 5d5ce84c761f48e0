package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Nodes;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * A policy on a real node with its real runtime: what no container has had for long is gone, and
 * what runs, has exited, is pinned, was loaded, or holds pods together stays.
 */
@EndToEnd
class NodesE2E {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> TAGS = List.of("runs", "exited", "unused", "pinned", "kept");

  private final Cluster cluster;

  NodesE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  @Test
  void whatNoContainerHasIsGoneFromTheNode() throws IOException {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      String path = "library/nodes-" + namespace.name();
      String repository = Service.REGISTRY.address() + "/" + path;
      for (String tag : TAGS) {
        Images.push(
            Images.holding(tag), cluster.hostAddress(Service.REGISTRY) + "/" + path + ":" + tag);
        pod(namespace, repository, tag);
      }
      // A second name of the image that goes.
      ctr("tag", repository + ":unused", repository + ":unused-too");
      ctr("label", repository + ":pinned", "io.cri-containerd.pinned=pinned");
      for (String tag : List.of("unused", "pinned", "kept")) {
        namespace.kubectl("delete", "pod", tag, "--wait=true");
      }
      Awaitility.await("kubelet lets the containers of pods that are gone go, once a minute")
          .atMost(Duration.ofMinutes(4))
          .pollInterval(Duration.ofSeconds(2))
          .until(() -> containersOf(repository).equals(Set.of("runs", "exited")));
      String name = "nodes-" + namespace.name();

      cluster.apply(policy(name, repository, true));
      var first = await(name, 1);
      assertThat(reason(first)).isEqualTo("Succeeded");
      assertThat(nodes(first).looked()).isEqualTo(1);
      assertThat(nodes(first).removed()).isZero();
      assertThat(why(name, repository + ":unused")).startsWith("YOUNG");
      makeOld(name);

      cluster.kubectl().ok("annotate", "imageprunepolicy", name, "kiln.build/prune=again");
      var dry = await(name, 2);
      assertThat(reason(dry)).isEqualTo("Succeeded");
      assertThat(why(name, repository + ":unused")).startsWith("UNUSED");
      assertThat(onNode()).contains(repository + ":unused", repository + ":unused-too");

      cluster.apply(policy(name, repository, false));
      var done = await(name, 3);
      assertThat(reason(done)).as(story(name)).isEqualTo("Succeeded");
      assertThat(nodes(done).failed()).isZero();
      assertThat(nodes(done).failedRemovals()).isZero();
      assertThat(nodes(done).removed()).isPositive();
      assertThat(nodes(done).reclaimedBytes()).isPositive();
      // The status has the first few by name, which may be what other tests have left on the node.
      assertThat(nodes(done).images()).isNotEmpty();
      assertThat(result(name, repository + ":unused")).isEqualTo("REMOVED");
      assertThat(onNode())
          .doesNotContain(repository + ":unused", repository + ":unused-too")
          .contains(
              repository + ":runs",
              repository + ":exited",
              repository + ":pinned",
              repository + ":kept")
          .anyMatch(image -> image.contains("pause"));
      assertThat(why(name, repository + ":runs")).startsWith("IN_USE container main of pod");
      assertThat(why(name, repository + ":exited")).startsWith("IN_USE").endsWith("(exited)");
      assertThat(why(name, repository + ":pinned")).startsWith("PINNED");
      assertThat(why(name, repository + ":kept")).startsWith("KEPT_BY_NAME");
      // Other tests use it too, on the same node.
      assertThat(why(name, "docker.io/library/busybox:1")).matches("(KEPT_BY_NAME|IN_USE).*");
      assertThat(whyPause(name)).matches("(PINNED|SANDBOX).*");

      theNodePullsAgainWhatIsGone(namespace, repository);
      cluster.kubectl().ok("delete", "imageprunepolicy", name);
      Awaitility.await("what the policy remembered goes with it")
          .atMost(Duration.ofMinutes(1))
          .until(() -> maps(name).isEmpty());
    }
  }

  @Test
  void theAccountOnNodesWritesNothingElse() {
    String account = "--as=system:serviceaccount:kiln-nodes:kiln-nodes";
    for (String what : List.of("get secrets", "create pods", "create jobs", "get nodes")) {
      var words = what.split(" ");
      assertThat(
              cluster
                  .kubectl()
                  .run("auth", "can-i", words[0], words[1], "-n", Installation.NODES, account)
                  .output())
          .as(what)
          .contains("no");
    }
    var refused =
        cluster
            .kubectl()
            .run(
                "create",
                "configmap",
                "other",
                "-n",
                Installation.NODES,
                "--as-group=system:serviceaccounts",
                account);
    assertThat(refused.succeeded()).as(refused.output()).isFalse();
    assertThat(refused.output()).contains("only ConfigMaps whose names begin with kiln-prune-");
  }

  /** A pod that runs, or has exited and stays. */
  private static void pod(TestNamespace namespace, String repository, String tag) {
    String command = tag.equals("exited") ? "[\"true\"]" : "[sleep, \"36000\"]";
    namespace.apply(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: %1$s}
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 0
          containers: [{name: main, image: "%2$s:%1$s", command: %3$s}]
        """
            .formatted(tag, repository, command));
    String wished = tag.equals("exited") ? "Succeeded" : "Running";
    namespace.kubectl(
        "wait", "pod/" + tag, "--for=jsonpath={.status.phase}=" + wished, "--timeout=120s");
  }

  private static void theNodePullsAgainWhatIsGone(TestNamespace namespace, String repository) {
    assertThat(namespace.runPod(repository + ":unused", "cat", "/etc/kiln-e2e")).contains("unused");
  }

  /** Tags of the images of a repository that containers have. */
  private Set<String> containersOf(String repository) {
    return cluster
        .onNode("k3s", "ctr", "containers", "list")
        .lines()
        .flatMap(line -> Stream.of(line.split(" +")))
        .filter(word -> word.startsWith(repository + ":"))
        .map(image -> image.substring(repository.length() + 1))
        .collect(Collectors.toSet());
  }

  private void ctr(String... arguments) {
    cluster.onNode(
        Stream.concat(Stream.of("k3s", "ctr", "images"), Stream.of(arguments))
            .toArray(String[]::new));
  }

  /** Names of the images that the runtime has. */
  private List<String> onNode() {
    return cluster.onNode("k3s", "ctr", "images", "list", "-q").lines().toList();
  }

  private static String policy(String name, String repository, boolean dryRun) {
    return """
    apiVersion: kiln.build/v1alpha1
    kind: ImagePrunePolicy
    metadata: {name: %s}
    spec:
      dryRun: %s
      gracePeriod: 1h
      nodes:
        unusedFor: 2h
        keep: ["%s:kept", "docker.io/*"]
        limits: {maxPercent: 100}
    """
        .formatted(name, dryRun, repository);
  }

  /** Puts what is remembered back by a day: tests cannot wait for hours. */
  private void makeOld(String policy) throws IOException {
    for (ConfigMap map : maps(policy)) {
      JsonNode report = report(map);
      for (JsonNode image : report.path("images")) {
        for (String field : List.of("firstSeen", "unusedSince")) {
          if (image.has(field)) {
            Instant time = Instant.parse(image.path(field).asText());
            ((ObjectNode) image).put(field, time.minus(Duration.ofDays(1)).toString());
          }
        }
      }
      var out = new ByteArrayOutputStream();
      try (var gzip = new GZIPOutputStream(out)) {
        gzip.write(JSON.writeValueAsBytes(report));
      }
      map.getBinaryData().put("data.gz", Base64.getEncoder().encodeToString(out.toByteArray()));
      cluster.client().resource(map).update();
    }
  }

  private static JsonNode report(ConfigMap map) throws IOException {
    byte[] packed = Base64.getDecoder().decode(map.getBinaryData().get("data.gz"));
    try (var in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
      return JSON.readTree(in);
    }
  }

  private List<ConfigMap> maps(String policy) {
    return cluster
        .client()
        .configMaps()
        .inNamespace(Installation.NODES)
        .withLabel("kiln.build/prune-policy", policy)
        .list()
        .getItems();
  }

  /** What the report says of the first image that has such a name; empty if none has. */
  private JsonNode reported(String policy, Predicate<String> name) throws IOException {
    for (JsonNode image : report(maps(policy).getFirst()).path("images")) {
      for (JsonNode each : image.path("names")) {
        if (name.test(each.asText())) {
          return image;
        }
      }
    }
    return MissingNode.getInstance();
  }

  private String result(String policy, String image) throws IOException {
    return reported(policy, image::equals).path("result").asText();
  }

  private String why(String policy, String image) throws IOException {
    return why(reported(policy, image::equals));
  }

  private String whyPause(String policy) throws IOException {
    return why(reported(policy, name -> name.contains("pause:")));
  }

  private static String why(JsonNode image) {
    return image.path("reason").asText() + " " + image.path("detail").asText();
  }

  private ImagePrunePolicyStatus await(String name, long run) {
    Predicate<ImagePrunePolicyStatus> over =
        status -> status.run() != null && status.run().number() == run && status.run().finished();
    return Awaitility.await("run %d of policy %s".formatted(run, name))
        .atMost(TestNamespace.PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .conditionEvaluationListener(
            state -> {
              if (state.getRemainingTimeInMS() < 1000 && !state.isSatisfied()) {
                System.err.println(story(name));
              }
            })
        .until(
            () ->
                Optional.ofNullable(
                        cluster.client().resources(ImagePrunePolicy.class).withName(name).get())
                    .map(ImagePrunePolicy::getStatus),
            status -> status.filter(over).isPresent())
        .orElseThrow();
  }

  private String story(String name) {
    return Stream.of(
            new String[] {"get", "imageprunepolicy", name, "-o", "yaml"},
            new String[] {"get", "jobs,pods", "-n", Installation.NODES, "-o", "wide"},
            new String[] {"get", "events", "-n", Installation.NODES},
            new String[] {
              "logs",
              "-n",
              Installation.NODES,
              "-l",
              "app.kubernetes.io/component=kiln-node",
              "--tail=60",
              "--prefix"
            })
        .map(arguments -> cluster.kubectl().run(arguments).output())
        .collect(Collectors.joining("\n---\n"));
  }

  private static Nodes nodes(ImagePrunePolicyStatus status) {
    return Objects.requireNonNull(Objects.requireNonNull(status.lastRun()).nodes());
  }

  private static String reason(ImagePrunePolicyStatus status) {
    return Objects.requireNonNull(status.conditions()).stream()
        .filter(condition -> condition.getType().equals("Ready"))
        .map(Condition::getReason)
        .findFirst()
        .orElse("");
  }
}
