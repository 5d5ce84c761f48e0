package build.kiln.operator.imagepruning;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.NodeFailure;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.NodeImage;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Nodes;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.NodeOutcome;
import build.kiln.api.work.NodeOutcome.Failure;
import build.kiln.api.work.PruneOutcome;
import build.kiln.api.work.PruneReport;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Orders;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * A policy that prunes nodes: a Job for each, after its own pod, and what they come to together.
 */
class NodesLifeTest {
  private static final String NODES =
      "nodes: {namespace: %s, serviceAccount: kiln-nodes, socket: /run/cri.sock, concurrency: 2}\n"
          .formatted(ApiCluster.NAMESPACE);

  private PolicyCluster cluster = new PolicyCluster(NODES);

  @AfterEach
  void stop() {
    cluster.close();
  }

  private void nodes(String... names) {
    for (String name : names) {
      cluster.client().resource(NodeChoiceTest.node(name).build()).create();
    }
  }

  private static NodeOutcome outcome(@Nullable Failure failure, @Nullable String message) {
    return new NodeOutcome(
        failure == null,
        failure,
        message,
        false,
        10,
        List.of(new Kept("IN_USE", 7), new Kept("YOUNG", 1)),
        2,
        1,
        failure == Failure.RuntimeFailed ? 1 : 0,
        4096,
        List.of("r.io/old:1", "r.io/old:2"));
  }

  /** The policy's own pod, which has nothing to do with nodes. */
  private Job main(String name, long run, @Nullable PruneFailureReason reason) {
    var job =
        Awaitility.await("the policy's Job of run " + run)
            .until(
                () ->
                    cluster.jobs().stream()
                        .filter(j -> "kiln-prune".equals(Labels.label(j, Labels.COMPONENT)))
                        .filter(j -> Labels.number(j, Labels.RUN) == run)
                        .findFirst(),
                Optional::isPresent)
            .orElseThrow();
    var pod = cluster.runs(job);
    var outcome =
        new PruneOutcome(
            reason == null, reason, reason == null ? null : "x", false, false, "h", 0, 0, 0, 0, 0);
    var report = new PruneReport(outcome, List.of(), List.of(), null, List.of(), 1);
    cluster.logs.put(
        pod.getMetadata().getName(), Records.report(cluster.order(job).nonce(), report) + "\n");
    var status = ApiCluster.ended(reason == null ? 0 : 1, "Error", Records.outcome(outcome));
    status
        .getContainerStatuses()
        .getFirst()
        .getState()
        .getTerminated()
        .setFinishedAt(cluster.clock.instant().toString());
    cluster.podIs(pod, status);
    cluster.jobEnds(job, reason == null ? "Complete" : "Failed", null);
    assertThat(cluster.get(name)).isNotNull();
    return job;
  }

  private String uid(String node) {
    return cluster.client().nodes().withName(node).get().getMetadata().getUid();
  }

  private Optional<Job> found(String node, long run) {
    return cluster.jobs().stream()
        .filter(job -> NodeJobs.COMPONENT.equals(Labels.label(job, Labels.COMPONENT)))
        .filter(job -> uid(node).equals(Labels.label(job, Labels.NODE)))
        .filter(job -> Labels.number(job, Labels.RUN) == run)
        .findFirst();
  }

  private Job awaitNode(String node, long run) {
    return Awaitility.await("a Job for node %s in run %d".formatted(node, run))
        .atMost(Duration.ofSeconds(20))
        .until(() -> found(node, run), Optional::isPresent)
        .orElseThrow();
  }

  private void ends(Job job, NodeOutcome outcome) {
    var pod = cluster.runs(job);
    cluster.podIs(
        pod, ApiCluster.ended(outcome.succeeded() ? 0 : 5, "Error", Records.outcome(outcome)));
    cluster.jobEnds(job, outcome.succeeded() ? "Complete" : "Failed", null);
  }

  private NodeOrder order(Job job) {
    return Records.readNodeOrder(
        Orders.text(
                cluster
                    .client()
                    .configMaps()
                    .inNamespace(ApiCluster.NAMESPACE)
                    .withName(job.getMetadata().getName())
                    .get())
            .orElseThrow());
  }

  private static String message(ImagePrunePolicyStatus status) {
    return Conditions.find(status.conditions(), "Ready").orElseThrow().getMessage();
  }

  private static Nodes nodesOf(ImagePrunePolicyStatus status) {
    return requireNonNull(requireNonNull(status.lastRun()).nodes());
  }

  @Test
  void nodesArePrunedSomeAtATimeAndSummedUp() {
    nodes("a", "b", "c");
    cluster.apply("tidy", "dryRun: false\nnodes: {unusedFor: 72h, keep: [r.io/base/*]}\n");
    main("tidy", 1, null);

    var a = awaitNode("a", 1);
    var b = awaitNode("b", 1);
    assertThat(message(cluster.awaitReady("tidy", "Unknown", "Pruning")))
        .isEqualTo("the pod is done; what follows it is under way");
    cluster.clock.advance(Duration.ofSeconds(5));
    assertThat(found("c", 1)).as("two at a time").isEmpty();

    ends(a, outcome(null, null));
    var c = awaitNode("c", 1);
    ends(b, outcome(null, null));
    ends(c, outcome(null, null));

    var status = cluster.awaitReady("tidy", "True", "Succeeded");
    assertThat(message(status))
        .isEqualTo(
            "0 examined, 0 deleted, 0 left, 0 bytes set free; 3 nodes: 6 of 30 images removed, 12288 bytes");
    assertThat(nodesOf(status))
        .isEqualTo(
            new Nodes(
                3,
                0,
                0,
                30,
                List.of(new Kept("IN_USE", 21), new Kept("YOUNG", 3)),
                6,
                3,
                0,
                12288,
                List.of(
                    new NodeImage("a", "r.io/old:1"),
                    new NodeImage("a", "r.io/old:2"),
                    new NodeImage("b", "r.io/old:1"),
                    new NodeImage("b", "r.io/old:2"),
                    new NodeImage("c", "r.io/old:1"),
                    new NodeImage("c", "r.io/old:2")),
                null,
                "kubectl get configmaps -n default -l kiln.build/prune-part -o json"));
    Awaitility.await("their Jobs go, their results are on the status")
        .until(() -> found("a", 1).isEmpty() && found("b", 1).isEmpty());
    assertThat(
            cluster
                .metrics
                .get("kiln.prune.node.images")
                .tag("result", "removed")
                .counter()
                .count())
        .isEqualTo(6);
  }

  @Test
  void theJobMountsTheSocketOnThatNodeAndNothingElseOfIt() {
    nodes("a");
    cluster.apply(
        "tidy",
        "gracePeriod: 30h\nnodes: {tolerations: [{key: gpu, operator: Exists}]}\npodTemplate: {serviceAccountName: root, nodeSelector: {x: y}}\n");
    main("tidy", 1, null);

    var job = awaitNode("a", 1);

    assertThat(job.getMetadata().getName()).matches("tidy-1-[0-9a-f]{16}");
    assertThat(job.getSpec().getBackoffLimit()).isZero();
    assertThat(job.getSpec().getActiveDeadlineSeconds()).isEqualTo(900);
    var pod = job.getSpec().getTemplate().getSpec();
    assertThat(pod.getServiceAccountName()).isEqualTo("kiln-nodes");
    assertThat(pod.getAutomountServiceAccountToken()).isTrue();
    assertThat(pod.getNodeSelector()).isNullOrEmpty();
    assertThat(pod.getTolerations()).hasSize(1);
    var term =
        pod.getAffinity()
            .getNodeAffinity()
            .getRequiredDuringSchedulingIgnoredDuringExecution()
            .getNodeSelectorTerms()
            .getFirst();
    assertThat(term.getMatchFields().getFirst().getKey()).isEqualTo("metadata.name");
    assertThat(term.getMatchFields().getFirst().getValues()).containsExactly("a");
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getHostPath() != null)
        .singleElement()
        .satisfies(
            volume -> {
              assertThat(volume.getHostPath().getPath()).isEqualTo("/run/cri.sock");
              assertThat(volume.getHostPath().getType()).isEqualTo("Socket");
            });
    assertThat(pod.getHostNetwork()).isNull();
    assertThat(pod.getHostPID()).isNull();
    assertThat(pod.getSecurityContext().getRunAsUser()).isZero();
    var security = pod.getContainers().getFirst().getSecurityContext();
    assertThat(security.getPrivileged()).isNull();
    assertThat(security.getAllowPrivilegeEscalation()).isFalse();
    assertThat(security.getCapabilities().getDrop()).containsExactly("ALL");
    var order = order(job);
    assertThat(order.node()).isEqualTo("a");
    assertThat(order.nodeUid()).isEqualTo(uid("a"));
    assertThat(order.policyUid()).isEqualTo(cluster.get("tidy").getMetadata().getUid());
    assertThat(order.dryRun()).isTrue();
    assertThat(order.gracePeriod()).isEqualTo("30h");
    assertThat(order.rules().unusedFor()).isEqualTo("168h");
  }

  @Test
  void whatFailsOnOneNodeIsNamedAndTheOthersCount() {
    nodes("a", "b");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    main("tidy", 1, null);
    ends(awaitNode("a", 1), outcome(null, null));
    ends(awaitNode("b", 1), outcome(Failure.RuntimeFailed, "1 images could not be removed, ..."));

    var status = cluster.awaitReady("tidy", "False", "NodesFailed");
    assertThat(message(status))
        .startsWith(
            "1 of 2 nodes were not pruned as they should, such as b: 1 images could not be removed");
    assertThat(requireNonNull(status.run()).retryTime()).isNull();
    assertThat(nodesOf(status).failed()).isEqualTo(1);
    assertThat(nodesOf(status).failedRemovals()).isEqualTo(1);
    assertThat(nodesOf(status).removed()).isEqualTo(4);
    assertThat(nodesOf(status).failures())
        .containsExactly(new NodeFailure("b", "1 images could not be removed, ..."));
    Awaitility.await("the Job that failed may be looked at until it expires")
        .until(
            () ->
                found("a", 1).isEmpty()
                    && found("b", 1)
                        .filter(job -> job.getSpec().getTtlSecondsAfterFinished() == 86400)
                        .isPresent());
  }

  @Test
  void aLimitIsAReasonOfItsOwnAndWhatItStoppedIsNotCounted() {
    nodes("a");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    main("tidy", 1, null);
    ends(awaitNode("a", 1), outcome(Failure.LimitsExceeded, "2 images, raise it"));

    var status = cluster.awaitReady("tidy", "False", "LimitsExceeded");
    assertThat(message(status)).contains("such as a: 2 images, raise it");
    assertThat(nodesOf(status).removed()).isZero();
    assertThat(nodesOf(status).reclaimedBytes()).isZero();
  }

  @Test
  void whatFailedInRegistriesIsToldFirstAndNodesArePrunedAllTheSame() {
    nodes("a");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n" + PolicyCluster.REGISTRIES);
    main("tidy", 1, PruneFailureReason.DeleteUnsupported);
    ends(awaitNode("a", 1), outcome(Failure.RuntimeFailed, "y"));

    var status = cluster.awaitReady("tidy", "False", "DeleteUnsupported");
    assertThat(message(status)).contains("1 nodes: 2 of 10 images removed");
    assertThat(nodesOf(status).failed()).isEqualTo(1);
  }

  @Test
  void aNodeThatDoesNotStartItsPodIsNotWaitedForForever() {
    nodes("a", "b");
    cluster.apply("tidy", "nodes: {}\n");
    main("tidy", 1, null);
    ends(awaitNode("b", 1), outcome(null, null));
    var job = awaitNode("a", 1);
    var pod = cluster.pod(job, new PodStatusBuilder().withPhase("Pending").build());
    cluster
        .client()
        .resource(
            new EventBuilder()
                .withNewMetadata()
                .withName("no-socket")
                .withNamespace(ApiCluster.NAMESPACE)
                .endMetadata()
                .withNewInvolvedObject()
                .withUid(pod.getMetadata().getUid())
                .endInvolvedObject()
                .withReason("FailedMount")
                .withMessage("hostPath type check failed: /run/cri.sock is not a socket file")
                .withLastTimestamp(Instant.now().toString())
                .build())
        .create();
    assertThat(cluster.awaitReady("tidy", "Unknown", "Pruning")).isNotNull();

    cluster.clock.advance(Duration.ofMinutes(3));

    var status = cluster.awaitReady("tidy", "False", "NodesFailed");
    assertThat(message(status))
        .contains("such as a: the node does not mount a volume of the pod: hostPath type check");
    assertThat(nodesOf(status).looked()).isEqualTo(1);
    Awaitility.await("it is not left to start later").until(() -> found("a", 1).isEmpty());
  }

  @Test
  void nodesThatAreNotReadyArePassedOverAndNewRunsForgetThoseThatAreGone() {
    nodes("a", "b");
    cluster
        .client()
        .nodes()
        .withName("b")
        .edit(
            node ->
                NodeChoiceTest.node("b")
                    .editMetadata()
                    .withResourceVersion(node.getMetadata().getResourceVersion())
                    .endMetadata()
                    .editSpec()
                    .addNewTaint()
                    .withKey("x")
                    .withEffect("NoSchedule")
                    .endTaint()
                    .endSpec()
                    .build());
    cluster.apply("tidy", "nodes: {}\n");
    for (String part : List.of("node-" + uid("a"), "node-gone", "ledger")) {
      cluster.client().resource(remembered(part)).create();
    }
    main("tidy", 1, null);
    ends(awaitNode("a", 1), outcome(null, null));

    var status = cluster.awaitReady("tidy", "True", "Succeeded");
    assertThat(nodesOf(status).skipped()).isEqualTo(1);
    assertThat(nodesOf(status).looked()).isEqualTo(1);
    Awaitility.await("what is remembered of nodes that are gone")
        .until(() -> maps().equals(List.of("ledger", "node-" + uid("a"))));
  }

  private ConfigMap remembered(String part) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName("kiln-prune-tidy-" + part)
        .withNamespace(ApiCluster.NAMESPACE)
        .addToLabels("kiln.build/prune-part", part)
        .addNewOwnerReference()
        .withApiVersion("kiln.build/v1alpha1")
        .withKind("ImagePrunePolicy")
        .withName("tidy")
        .withUid(cluster.get("tidy").getMetadata().getUid())
        .endOwnerReference()
        .endMetadata()
        .build();
  }

  private List<String> maps() {
    return cluster
        .client()
        .configMaps()
        .inNamespace(ApiCluster.NAMESPACE)
        .withLabel("kiln.build/prune-part")
        .list()
        .getItems()
        .stream()
        .map(map -> String.valueOf(Labels.label(map, "kiln.build/prune-part")))
        .sorted()
        .toList();
  }

  @Test
  void aNewOperatorGoesOnWhereTheOldOneWas() {
    nodes("a", "b", "c");
    cluster.apply("tidy", "nodes: {}\n");
    main("tidy", 1, null);
    ends(awaitNode("a", 1), outcome(null, null));
    awaitNode("c", 1);

    cluster.stopOperator();
    ends(awaitNode("b", 1), outcome(null, null));
    ends(awaitNode("c", 1), outcome(null, null));
    cluster.startOperator();

    assertThat(nodesOf(cluster.awaitReady("tidy", "True", "Succeeded")).looked()).isEqualTo(3);
  }

  @Test
  void aNewRunEndsTheNodesOfTheOldOne() {
    nodes("a");
    cluster.apply("tidy", "dryRun: true\nnodes: {}\n");
    main("tidy", 1, null);
    var pod = cluster.runs(awaitNode("a", 1));

    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    Awaitility.await("that of the run that was given up, at once")
        .until(() -> found("a", 1).isEmpty());
    main("tidy", 2, null);

    Awaitility.await()
        .during(Duration.ofSeconds(3))
        .atMost(Duration.ofSeconds(10))
        .until(() -> found("a", 2).isEmpty());
    cluster.collect(pod);
    assertThat(order(awaitNode("a", 2)).dryRun()).isFalse();
  }

  @Test
  void aJobThatIsRefusedIsThatNodesFailureAndNoneOfTheOthers() {
    nodes("a", "b", "c");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    Awaitility.await().until(() -> !cluster.jobs().isEmpty());
    cluster.faults.failOnce("POST .*/jobs", 403, "jobs \"x\" is forbidden: exceeded quota: q");
    main("tidy", 1, null);
    ends(awaitNode("b", 1), outcome(null, null));
    ends(awaitNode("c", 1), outcome(null, null));

    var status = cluster.awaitReady("tidy", "False", "NodesFailed");
    assertThat(nodesOf(status).failures())
        .containsExactly(
            new NodeFailure("a", "its Job is refused: jobs \"x\" is forbidden: exceeded quota: q"));
    assertThat(nodesOf(status).looked()).isEqualTo(2);
    assertThat(found("a", 1)).isEmpty();
  }

  @Test
  void aSpecThatBecomesInvalidEndsTheNodesAtOnce() {
    nodes("a");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    main("tidy", 1, null);
    cluster.runs(awaitNode("a", 1));

    cluster.apply("tidy", "dryRun: false\nnodes: {}\nprotect: {labels: [{name: keep}]}\n");

    assertThat(message(cluster.awaitReady("tidy", "False", "SpecInvalid")))
        .contains("protect.labels", "nodes.keep");
    Awaitility.await().until(() -> found("a", 1).isEmpty());
  }

  @Test
  void aSuspendedRunGoesNoFurtherByAnotherSpec() {
    nodes("a");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    main("tidy", 1, null);
    cluster.runs(awaitNode("a", 1));

    cluster.apply("tidy", "dryRun: true\nsuspend: true\nnodes: {}\n");

    var status = cluster.awaitReady("tidy", "Unknown", "Suspended");
    assertThat(nodesOf(status).failures())
        .containsExactly(
            new NodeFailure(
                "a",
                "the spec was changed while the policy is suspended, so this run goes no further"));
    Awaitility.await().until(() -> found("a", 1).isEmpty());
  }

  @Test
  void theTimeOfNodesCountsFromTheEndOfThePolicysPod() {
    nodes("a");
    cluster.apply("tidy", "timeout: 10m\nnodes: {}\n");
    Awaitility.await().until(() -> !cluster.jobs().isEmpty());
    cluster.clock.advance(Duration.ofMinutes(25));
    main("tidy", 1, null);
    ends(awaitNode("a", 1), outcome(null, null));
    assertThat(cluster.awaitReady("tidy", "True", "Succeeded")).isNotNull();
  }

  @Test
  void aDryRunTellsThatLimitsWouldStopTheRealOne() {
    nodes("a", "b");
    cluster.apply("tidy", "nodes: {}\n");
    main("tidy", 1, null);
    ends(awaitNode("a", 1), dryRun("it would be stopped: 2 images would be removed, raise it"));
    ends(awaitNode("b", 1), dryRun(null));

    assertThat(message(cluster.awaitReady("tidy", "True", "Succeeded")))
        .endsWith(
            "; a real run would be stopped on 1 of them, such as a: it would be stopped: 2 images would be removed, raise it");
  }

  private static NodeOutcome dryRun(@Nullable String message) {
    return new NodeOutcome(
        true, null, message, true, 10, List.of(), 2, 0, 0, 4096, List.of("r.io/old:1"));
  }

  @Test
  void whatAPodMayNotSayBreaksNothing() {
    nodes("a");
    cluster.apply("tidy", "dryRun: false\nnodes: {}\n");
    main("tidy", 1, null);
    var job = awaitNode("a", 1);
    var pod = cluster.runs(job);
    var message =
        """
        {"succeeded":true,"examined":-5,"removed":2147483647,"left":-1,"reclaimedBytes":-9,
        "kept":[null,{"reason":"%s","count":1},{"reason":"IN_USE","count":-7},{"count":2}],
        "images":[null,"r.io/a:1"]}
        """
            .formatted("X".repeat(1000));
    cluster.podIs(pod, ApiCluster.ended(0, "Error", message));
    cluster.jobEnds(job, "Complete", null);

    var nodes = nodesOf(cluster.awaitReady("tidy", "True", "Succeeded"));
    assertThat(nodes.examined()).isZero();
    assertThat(nodes.removed()).isEqualTo(10_000_000);
    assertThat(nodes.left()).isZero();
    assertThat(nodes.reclaimedBytes()).isZero();
    assertThat(nodes.kept()).containsExactly(new Kept("IN_USE", 0));
    assertThat(nodes.images()).containsExactly(new NodeImage("a", "r.io/a:1"));
  }

  @Test
  void whatTheTimeDoesNotSufficeForIsSaid() {
    nodes("a", "b", "c");
    cluster.apply("tidy", "timeout: 10m\nnodes: {}\n");
    main("tidy", 1, null);
    awaitNode("b", 1);
    cluster.clock.advance(Duration.ofMinutes(11));
    ends(awaitNode("a", 1), outcome(null, null));
    ends(awaitNode("b", 1), outcome(null, null));

    var status = cluster.awaitReady("tidy", "False", "NodesFailed");
    assertThat(message(status)).contains("such as c: it was not reached within the run's timeout");
    assertThat(found("c", 1)).isEmpty();
  }

  @Test
  void withoutTheChartsLeaveAPolicyForNodesIsRefused() {
    cluster.close();
    cluster = new PolicyCluster();
    cluster.apply("tidy", "nodes: {}\n");

    assertThat(message(cluster.awaitReady("tidy", "False", "SpecInvalid")))
        .startsWith("spec.nodes is refused")
        .contains("nodes.enabled");
    assertThat(cluster.jobs()).isEmpty();
  }

  @Test
  void aPolicyWithoutNodesAsksForNone() {
    nodes("a");
    cluster.apply("tidy", "builds: {}\n");
    main("tidy", 1, null);
    var status = cluster.awaitReady("tidy", "True", "Succeeded");
    assertThat(requireNonNull(status.lastRun()).nodes()).isNull();
    assertThat(found("a", 1)).isEmpty();
  }
}
