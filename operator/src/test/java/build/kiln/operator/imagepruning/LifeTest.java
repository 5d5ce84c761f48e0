package build.kiln.operator.imagepruning;

import static build.kiln.operator.imagepruning.PolicyCluster.run;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus;
import build.kiln.api.v1alpha1.ImagePrunePolicyStatus.Kept;
import build.kiln.api.v1alpha1.PruneFailureReason;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import build.kiln.api.work.PruneOutcome;
import build.kiln.operator.job.Conditions;
import build.kiln.operator.job.Labels;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A policy's life, from acceptance to its result and the next run, on an API server. */
class LifeTest {
  private static final String HASH = "ab".repeat(32);

  private final PolicyCluster cluster = new PolicyCluster();

  @AfterEach
  void stop() {
    cluster.close();
  }

  private static PruneOutcome pruned(boolean dryRun) {
    return new PruneOutcome(true, null, null, false, dryRun, HASH, 10, 2, 1, 0, 4096);
  }

  private static PruneOutcome failed(PruneFailureReason reason) {
    return new PruneOutcome(
        false, reason, "it did not work", reason.retryable(), false, HASH, 10, 2, 0, 0, 4096);
  }

  private static String message(ImagePrunePolicyStatus status) {
    return Conditions.find(status.conditions(), "Ready").orElseThrow().getMessage();
  }

  @Test
  void prunesAndTellsWhatCameOfIt() {
    cluster.apply("nightly", "dryRun: false\nschedule: \"30 2 * * *\"\ntimeZone: Europe/Zurich\n");

    var status = cluster.ends("nightly", 1, 0, pruned(false));

    cluster.awaitReady("nightly", "True", "Succeeded");
    assertThat(message(status)).isEqualTo("10 examined, 2 deleted, 1 left, 4096 bytes set free");
    assertThat(run(status).cause()).isEqualTo(Cause.Created);
    var last = requireNonNull(status.lastRun());
    assertThat(last.number()).isEqualTo(1);
    assertThat(last.planHash()).isEqualTo(HASH);
    assertThat(last.examined()).isEqualTo(10);
    assertThat(last.deleted()).isEqualTo(2);
    assertThat(last.left()).isEqualTo(1);
    assertThat(last.reclaimedBytes()).isEqualTo(4096);
    assertThat(last.kept()).containsExactly(new Kept("IN_USE", 7));
    assertThat(last.deletions()).hasSize(1);
    assertThat(last.report()).isEqualTo("kubectl get ...");
    assertThat(Instant.parse(requireNonNull(status.nextRun())))
        .isAfter(Instant.now())
        .isBefore(Instant.now().plus(Duration.ofHours(25)));
    assertThat(last.warnings())
        .extracting(ImagePrunePolicyStatus.Warning::message)
        .containsExactly("Pod shop/web: \"r.io/A:1:2\"");
    assertThat(cluster.awaitEvents("ReferencesUnparsable").getFirst())
        .satisfies(
            event -> {
              assertThat(event.getType()).isEqualTo("Warning");
              assertThat(event.getMessage()).isEqualTo("Pod shop/web: \"r.io/A:1:2\"");
            });
    assertThat(cluster.awaitEvents("PruneSucceeded").getFirst().getInvolvedObject().getKind())
        .isEqualTo("ImagePrunePolicy");
    Awaitility.await()
        .untilAsserted(
            () -> {
              var deleted = cluster.metrics.get("kiln.prune.deletions").tag("result", "deleted");
              assertThat(deleted.counter().count()).isEqualTo(2);
            });
  }

  @Test
  void theJobRunsAsTheInstallationsAccountWithItsToken() {
    cluster.apply(
        "nightly",
        "timeout: 90m\npodTemplate: {serviceAccountName: cluster-admin, priorityClassName: low}\n");

    var job = cluster.awaitJob("nightly", 1);

    var pod = job.getSpec().getTemplate().getSpec();
    assertThat(job.getMetadata().getNamespace()).isEqualTo(ApiCluster.NAMESPACE);
    assertThat(job.getSpec().getActiveDeadlineSeconds()).isEqualTo(5400);
    assertThat(pod.getServiceAccountName()).isEqualTo("kiln-prune");
    assertThat(pod.getAutomountServiceAccountToken()).isTrue();
    assertThat(pod.getPriorityClassName()).isEqualTo("low");
    assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
    var order = cluster.order(job);
    assertThat(order.run()).isEqualTo(1);
    assertThat(order.approved()).isNull();
    assertThat(order.resource().getMetadata().getUid())
        .isEqualTo(cluster.get("nightly").getMetadata().getUid());
    assertThat(order.resource().getSpec().dryRun()).isTrue();
  }

  @Test
  void anApprovalStartsARunThatKnowsIt() {
    cluster.apply("nightly", "dryRun: false\n");
    cluster.ends("nightly", 1, 1, failed(PruneFailureReason.LimitsExceeded));
    var stopped = cluster.awaitReady("nightly", "False", "LimitsExceeded");
    assertThat(requireNonNull(stopped.lastRun()).planHash()).isEqualTo(HASH);
    assertThat(run(stopped).retryTime()).isNull();

    cluster.annotate("nightly", ImagePrunePolicy.APPROVE_ANNOTATION, HASH);
    var job = cluster.awaitJob("nightly", 2);
    assertThat(cluster.order(job).approved()).isEqualTo(HASH);
    var done = cluster.ends("nightly", 2, 0, pruned(false));
    assertThat(run(done).cause()).isEqualTo(Cause.Requested);
    assertThat(done.lastHandledPrune()).isEqualTo(" approve=" + HASH);

    cluster.annotate("nightly", ImagePrunePolicy.PRUNE_ANNOTATION, "now");
    cluster.ends("nightly", 3, 0, pruned(false));
    assertThat(cluster.awaitReady("nightly", "True", "Succeeded").lastHandledPrune())
        .isEqualTo("now approve=" + HASH);
    assertThat(
            cluster.metrics.get("kiln.prune.deletions").tag("result", "deleted").counter().count())
        .as("not those of the plan that was stopped")
        .isEqualTo(4);
  }

  @Test
  void whatMayPassIsTriedAgainAndKeepsTheLastResult() {
    cluster.apply("nightly", "dryRun: true\n");
    cluster.ends("nightly", 1, 0, pruned(true));
    assertThat(message(cluster.awaitReady("nightly", "True", "Succeeded")))
        .startsWith("dry run: 2 of 10 would be deleted");

    cluster.annotate("nightly", ImagePrunePolicy.PRUNE_ANNOTATION, "again");
    var job = cluster.awaitJob("nightly", 2);
    cluster.podIs(cluster.runs(job), ApiCluster.ended(5, "Error", ""));
    cluster.jobEnds(job, "Failed", "BackoffLimitExceeded");
    var status = cluster.awaitReady("nightly", "False", "Infrastructure");
    assertThat(run(status).retryTime()).isNotNull();
    assertThat(requireNonNull(status.lastRun()).number()).isEqualTo(1);
  }

  @Test
  void aSpecThatIsWrongIsRefusedByName() {
    cluster.apply("nightly", "protect: {tags: [\"(\"]}\n");

    assertThat(message(cluster.awaitReady("nightly", "False", "SpecInvalid")))
        .startsWith("spec.protect.tags[0]: \"(\" is no regular expression");
    assertThat(cluster.jobs()).isEmpty();
  }

  @Test
  void jobsOfBuildsThatAreOverGoWhenARunHasEnded() {
    for (int i = 1; i <= 3; i++) {
      build("old-" + i, i);
    }
    cluster.apply("tidy", "dryRun: true\nbuilds: {successful: 1, olderThan: 1h}\n");
    cluster.ends("tidy", 1, 0, pruned(true));
    cluster.awaitReady("tidy", "True", "Succeeded");
    assertThat(builds()).as("a dry run deletes nothing").isEqualTo(3);

    cluster.apply("tidy", "dryRun: false\nbuilds: {successful: 1, olderThan: 1h}\n");
    cluster.ends("tidy", 2, 0, pruned(false));

    Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> builds() == 1);
    assertThat(cluster.jobs()).anyMatch(job -> job.getMetadata().getName().equals("old-1"));
  }

  private long builds() {
    return cluster.jobs().stream()
        .filter(job -> "kiln-build".equals(Labels.label(job, Labels.COMPONENT)))
        .count();
  }

  /** A Job of a build that ended so many days ago. */
  private void build(String name, int days) {
    var job =
        new JobBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(ApiCluster.NAMESPACE)
            .withLabels(
                Map.of(
                    Labels.COMPONENT, "kiln-build",
                    Labels.MANAGED_BY, Labels.KILN,
                    Labels.UID, "of-a-build"))
            .endMetadata()
            .withNewSpec()
            .withTtlSecondsAfterFinished(999_999)
            .endSpec()
            .build();
    var made = cluster.client().resource(job).create();
    cluster
        .client()
        .resource(made)
        .editStatus(
            found ->
                new JobBuilder(found)
                    .withNewStatus()
                    .addNewCondition()
                    .withType("Complete")
                    .withStatus("True")
                    .withLastTransitionTime(Instant.now().minus(Duration.ofDays(days)).toString())
                    .endCondition()
                    .endStatus()
                    .build());
  }
}
