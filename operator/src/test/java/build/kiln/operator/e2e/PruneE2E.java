package build.kiln.operator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ScheduledRun;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMap;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * A policy on a real cluster: what anything in it refers to still pulls afterwards, what nothing
 * does is gone, and the report says why of each.
 */
@EndToEnd
class PruneE2E {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Images of one repository that differ in their content, each used in another way, or not. */
  private static final List<String> TAGS =
      List.of(
          "pr-deployment",
          "pr-scaled-to-zero",
          "pr-cronjob",
          "pr-statefulset-old",
          "pr-statefulset",
          "pr-digest",
          "pr-mirror",
          "pr-unused-1",
          "pr-unused-2",
          "pr-newest");

  private final Cluster cluster;

  PruneE2E(Installation installation) {
    this.cluster = installation.cluster();
  }

  @Test
  void whatIsUsedPullsAndWhatIsNotIsGone() throws IOException {
    try (var namespace = TestNamespace.create(cluster, "baseline")) {
      String path = "library/" + namespace.name();
      String repository = Service.REGISTRY.address() + "/" + path;
      for (String tag : TAGS) {
        Images.push(
            Images.holding(tag), cluster.hostAddress(Service.REGISTRY) + "/" + path + ":" + tag);
      }
      String byDigest = RegistryProbe.digest(cluster, path, "pr-digest");
      use(namespace, repository, byDigest);
      String name = "prune-" + namespace.name();

      // Nobody has seen them before: all is young.
      cluster.apply(policy(name, repository, true));
      var first = await(name, status -> run(status, 1));
      assertThat(reason(first)).isEqualTo("Succeeded");
      assertThat(lastRun(first).deleted()).isZero();
      makeOld(name);

      cluster.kubectl().ok("annotate", "imageprunepolicy", name, "kiln.build/prune=again");
      var dry = await(name, status -> run(status, 2));
      assertThat(reason(dry)).isEqualTo("Succeeded");
      assertThat(lastRun(dry).dryRun()).isTrue();
      assertThat(images(lastRun(dry)))
          .containsExactlyInAnyOrder(repository + ":pr-unused-1", repository + ":pr-unused-2");
      assertThat(lastRun(dry).deleted()).isEqualTo(2);
      assertThat(lastRun(dry).examined()).isEqualTo(TAGS.size());
      assertThat(tags(path)).containsExactlyInAnyOrderElementsOf(TAGS);

      cluster.apply(policy(name, repository, false));
      var stopped = await(name, status -> run(status, 3));
      assertThat(reason(stopped)).isEqualTo("LimitsExceeded");
      assertThat(lastRun(stopped).planHash()).isEqualTo(lastRun(dry).planHash());
      assertThat(tags(path)).hasSize(TAGS.size());

      cluster
          .kubectl()
          .ok(
              "annotate",
              "imageprunepolicy",
              name,
              "kiln.build/approve=" + lastRun(stopped).planHash());
      var done = await(name, status -> run(status, 4));
      assertThat(reason(done)).isEqualTo("Succeeded");
      var result = lastRun(done);
      assertThat(result.dryRun()).isFalse();
      assertThat(result.deleted()).isEqualTo(2);
      assertThat(result.failed()).isZero();
      assertThat(result.reclaimedBytes()).isPositive();
      assertThat(result.kept()).contains(new Kept("IN_USE", 7), new Kept("KEEP_LAST", 1));
      assertThat(images(result))
          .containsExactlyInAnyOrder(repository + ":pr-unused-1", repository + ":pr-unused-2");
      assertThat(tags(path)).doesNotContain("pr-unused-1", "pr-unused-2").hasSize(8);
      for (String tag : tags(path)) {
        assertThat(namespace.runPod(repository + ":" + tag, "cat", "/etc/kiln-e2e")).contains(tag);
      }
      theReportSaysWhy(name, namespace.name());
      assertThat(cluster.kubectl().ok("get", "events", "-n", "default")).contains("PruneSucceeded");
      cluster.kubectl().ok("delete", "imageprunepolicy", name);
      Awaitility.await("what the policy remembered goes with it")
          .atMost(Duration.ofMinutes(1))
          .until(() -> maps(name, "ledger").isEmpty());
    }
  }

  private void use(TestNamespace namespace, String repository, String digest) {
    String pod =
        "{restartPolicy: %s, terminationGracePeriodSeconds: 0, containers: [{name: main, image: \"%s\", command: [sleep, \"36000\"]}]}";
    String workload =
        """
        apiVersion: apps/v1
        kind: %1$s
        metadata: {name: %2$s}
        spec:
          replicas: %3$d
          selector: {matchLabels: {app: %2$s}}
          template:
            metadata: {labels: {app: %2$s}}
            spec: %4$s
        ---
        """;
    String always = "Always";
    namespace.apply(
        workload.formatted(
                "Deployment", "runs", 1, pod.formatted(always, repository + ":pr-deployment"))
            + workload.formatted(
                "Deployment", "sleeps", 0, pod.formatted(always, repository + ":pr-scaled-to-zero"))
            + workload.formatted(
                "StatefulSet",
                "state",
                0,
                pod.formatted(always, repository + ":pr-statefulset-old"))
            + """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: nightly}
            spec:
              schedule: "0 0 1 1 *"
              jobTemplate: {spec: {template: {spec: %s}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: by-digest}
            spec: %s
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: through-mirror}
            spec: %s
            """
                .formatted(
                    pod.formatted("Never", repository + ":pr-cronjob"),
                    pod.formatted("Never", repository + "@" + digest),
                    // Docker Hub's mirror is the registry in the cluster.
                    pod.formatted(
                        "Never", "docker.io/library/" + namespace.name() + ":pr-mirror")));
    Awaitility.await("the StatefulSet's first revision")
        .atMost(Duration.ofMinutes(1))
        .until(
            () ->
                namespace.kubectl("get", "controllerrevisions", "-o", "name").lines().count() == 1);
    for (String name : List.of("by-digest", "through-mirror")) {
      namespace.kubectl("wait", "pod/" + name, "--for=condition=Ready", "--timeout=120s");
    }
    namespace.kubectl("rollout", "status", "deployment/runs", "--timeout=120s");
    namespace.kubectl(
        "set", "image", "statefulset/state", "main=" + repository + ":pr-statefulset");
    Awaitility.await("the StatefulSet's second revision")
        .atMost(Duration.ofMinutes(1))
        .until(
            () ->
                namespace.kubectl("get", "controllerrevisions", "-o", "name").lines().count() == 2);
  }

  private static String policy(String name, String repository, boolean dryRun) {
    return """
    apiVersion: kiln.build/v1alpha1
    kind: ImagePrunePolicy
    metadata: {name: %s}
    spec:
      dryRun: %s
      gracePeriod: 1h
      registries:
      - repositories: ["%s"]
        rules:
        - match: {tags: ["pr-*"]}
          keepLast: 1
      limits: {maxDeletions: 1, maxPercent: 100}
    """
        .formatted(name, dryRun, repository);
  }

  /**
   * Puts the ledger back by two hours, and its newest image by one and a half: tests cannot wait
   * for a grace period.
   */
  private void makeOld(String policy) throws IOException {
    for (ConfigMap map : maps(policy, "ledger")) {
      String key = "data.gz";
      byte[] packed = Base64.getDecoder().decode(map.getBinaryData().get(key));
      String text;
      try (var in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
        text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
      var out = new ByteArrayOutputStream();
      try (var gzip = new GZIPOutputStream(out)) {
        gzip.write(
            text.lines()
                .map(PruneE2E::older)
                .collect(Collectors.joining("\n", "", "\n"))
                .getBytes(StandardCharsets.UTF_8));
      }
      map.getBinaryData().put(key, Base64.getEncoder().encodeToString(out.toByteArray()));
      cluster.client().resource(map).update();
    }
  }

  /** A digest's line: first seen, and each tag since when, in seconds of base 36. */
  private static String older(String line) {
    String[] fields = line.split(" ", -1);
    if (fields.length < 5 || !fields[0].contains("-") || line.startsWith("kiln-ledger")) {
      return line;
    }
    long by = line.contains(" pr-newest=") ? 5400 : 7200;
    fields[1] = minus(fields[1], by);
    for (int i = 5; i < fields.length; i++) {
      int equals = fields[i].indexOf('=');
      fields[i] = fields[i].substring(0, equals + 1) + minus(fields[i].substring(equals + 1), by);
    }
    return String.join(" ", fields);
  }

  private static String minus(String time, long seconds) {
    return Long.toString(Long.parseLong(time, 36) - seconds, 36);
  }

  private List<ConfigMap> maps(String policy, String part) {
    return cluster
        .client()
        .configMaps()
        .inNamespace(Installation.NAMESPACE)
        .withLabel("kiln.build/prune-policy", policy)
        .withLabel("kiln.build/prune-part", part)
        .list()
        .getItems()
        .stream()
        .sorted(Comparator.comparing(map -> map.getMetadata().getName()))
        .toList();
  }

  private void theReportSaysWhy(String policy, String namespace) throws IOException {
    var packed = new ByteArrayOutputStream();
    for (ConfigMap map : maps(policy, "report")) {
      packed.write(Base64.getDecoder().decode(map.getBinaryData().get("data.gz")));
    }
    JsonNode report;
    try (var in = new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray()))) {
      report = JSON.readTree(in);
    }
    Map<String, String> why = new HashMap<>();
    for (JsonNode keep : report.at("/plan/repositories/0/kept")) {
      keep.path("tags").forEach(tag -> why.put(tag.asText(), keep.at("/verdict/detail").asText()));
    }
    String in = " " + namespace + "/";
    assertThat(why.get("pr-deployment")).contains(in + "runs");
    assertThat(why.get("pr-scaled-to-zero")).isEqualTo("Deployment" + in + "sleeps");
    assertThat(why.get("pr-cronjob")).isEqualTo("CronJob" + in + "nightly");
    assertThat(why.get("pr-statefulset-old")).startsWith("ControllerRevision" + in + "state-");
    assertThat(why.get("pr-digest")).isEqualTo("Pod" + in + "by-digest");
    assertThat(why.get("pr-mirror")).isEqualTo("Pod" + in + "through-mirror");
    assertThat(report.at("/result/outcomes"))
        .hasSize(2)
        .allSatisfy(
            outcome -> {
              assertThat(outcome.path("result").asText()).isEqualTo("DELETED");
              assertThat(outcome.at("/deletion/verdict/rule").asText())
                  .isEqualTo("registries[0].rules[0]");
            });
  }

  private List<String> tags(String path) {
    return TAGS.stream().filter(tag -> RegistryProbe.find(cluster, path, tag).isPresent()).toList();
  }

  private ImagePrunePolicyStatus await(String name, Predicate<ImagePrunePolicyStatus> wished) {
    return Awaitility.await("policy " + name)
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
            status -> status.filter(wished).isPresent())
        .orElseThrow();
  }

  private String story(String name) {
    return Stream.of(
            new String[] {"get", "imageprunepolicy", name, "-o", "yaml"},
            new String[] {"get", "jobs,pods", "-n", Installation.NAMESPACE},
            new String[] {
              "logs",
              "-n",
              Installation.NAMESPACE,
              "-l",
              "app.kubernetes.io/component=kiln-prune",
              "--tail=60",
              "--prefix"
            })
        .map(arguments -> cluster.kubectl().run(arguments).output())
        .collect(Collectors.joining("\n---\n"));
  }

  private static boolean run(ImagePrunePolicyStatus status, long number) {
    ScheduledRun run = status.run();
    return run != null && run.number() == number && run.finished();
  }

  private static ImagePrunePolicyStatus.Run lastRun(ImagePrunePolicyStatus status) {
    return Objects.requireNonNull(status.lastRun());
  }

  private static List<String> images(ImagePrunePolicyStatus.Run run) {
    return Objects.requireNonNull(run.deletions()).stream()
        .map(ImagePrunePolicyStatus.Deletion::image)
        .toList();
  }

  private static String reason(ImagePrunePolicyStatus status) {
    return Objects.requireNonNull(status.conditions()).stream()
        .filter(condition -> condition.getType().equals("Ready"))
        .map(Condition::getReason)
        .findFirst()
        .orElse("");
  }
}
