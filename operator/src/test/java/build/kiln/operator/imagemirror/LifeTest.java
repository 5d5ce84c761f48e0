package build.kiln.operator.imagemirror;

import static build.kiln.operator.imagemirror.MirrorCluster.copied;
import static build.kiln.operator.imagemirror.MirrorCluster.run;
import static build.kiln.operator.testkit.ApiCluster.NAMESPACE;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageMirrorStatus;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Bytes;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import build.kiln.operator.job.Conditions;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An ImageMirror's life, from acceptance to its result and the next run, on an API server. */
class LifeTest {
  private MirrorCluster cluster = new MirrorCluster();

  @AfterEach
  void stop() {
    cluster.close();
  }

  private void restartWith(String settings) {
    cluster.close();
    cluster = new MirrorCluster(settings);
  }

  private static String condition(ImageMirrorStatus status, String type) {
    return Conditions.find(status.conditions(), type).orElseThrow().getStatus();
  }

  private static String message(ImageMirrorStatus status) {
    return Conditions.find(status.conditions(), "Ready").orElseThrow().getMessage();
  }

  /** What a timer would do: passes are made anew. */
  private void later(Duration time) {
    cluster.stopOperator();
    cluster.clock.advance(time);
    cluster.startOperator();
  }

  @Test
  void mirrorsAndTellsWhatCameOfIt() {
    cluster.apply("alpine", "schedule: \"@hourly\"");
    var job = cluster.awaitJob("alpine", 1);
    var started = cluster.awaitReady("alpine", "Unknown", "Starting");
    assertThat(condition(started, "Reconciling")).isEqualTo("True");
    var pod = cluster.runs(job);
    cluster.awaitReady("alpine", "Unknown", "Mirroring");
    var image =
        new Image("up/alpine:3", "down/alpine:3", null, Result.Copied, null, null, 4096L, 512L);
    cluster.ends(job, pod, 0, copied(3), List.of(image));

    var status = cluster.awaitReady("alpine", "True", "Succeeded");
    assertThat(condition(status, "Reconciling")).isEqualTo("False");
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(message(status)).isEqualTo("10 observed, 3 copied, 7 up to date, 0 deleted");
    assertThat(status.observedGeneration()).isEqualTo(1);
    assertThat(status.observed()).isEqualTo(10);
    assertThat(status.copied()).isEqualTo(3);
    assertThat(status.upToDate()).isEqualTo(7);
    assertThat(status.failed()).isZero();
    assertThat(status.bytes()).isEqualTo(new Bytes(4096, 512));
    assertThat(status.images()).containsExactly(image);
    assertThat(status.lastSync()).isEqualTo(run(status).startTime());
    var next = Instant.parse(requireNonNull(status.nextSync()));
    assertThat(next.getEpochSecond() % 3600).isZero();
    assertThat(next).isBetween(Instant.now(), Instant.now().plus(Duration.ofHours(1)));
    assertThat(run(status).cause()).isEqualTo(Cause.Created);
    assertThat(cluster.awaitEvents("MirrorStarted")).hasSize(1);
    assertThat(cluster.awaitEvents("MirrorSucceeded").getFirst().getInvolvedObject().getKind())
        .isEqualTo("ImageMirror");
    Awaitility.await()
        .untilAsserted(
            () -> {
              var finished = cluster.metrics.get("kiln.mirrors.finished");
              assertThat(finished.tags("result", "succeeded").counter().count()).isEqualTo(1);
              var bytes = cluster.metrics.get("kiln.mirror.bytes");
              assertThat(bytes.tags("how", "copied").counter().count()).isEqualTo(4096);
            });
  }

  @Test
  void theJobRunsAsNobodyWithItsOrderAndItsSecretsAndNoToken() {
    restartWith("allowedOutputs: [\"down.example.com/{namespace}/**\"]");
    cluster.login("pull", "eA==");
    cluster.login("push", "eA==");
    cluster.apply(
        "alpine",
        """
        source: {repository: up.example.com/alpine, secretRef: {name: pull}}
        destination: {prefix: down.example.com, secretRef: {name: push}}
        tags: {all: true}
        timeout: 90m
        """);
    var job = cluster.awaitJob("alpine", 1);
    var pod = job.getSpec().getTemplate().getSpec();
    assertThat(job.getSpec().getActiveDeadlineSeconds()).isEqualTo(5400);
    assertThat(pod.getAutomountServiceAccountToken()).isFalse();
    assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
    assertThat(pod.getContainers().getFirst().getArgs())
        .containsExactly("run", "-f", "/kiln/work/order.json");
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getName().equals("secrets"))
        .flatExtracting(volume -> volume.getProjected().getSources())
        .extracting(source -> source.getSecret().getItems().getFirst().getPath())
        .containsExactly("registry/pull/.dockerconfigjson", "registry/push/.dockerconfigjson");

    var order = cluster.order(job);
    assertThat(order.resource().getSpec()).isEqualTo(cluster.get("alpine").getSpec());
    assertThat(order.resource().getStatus()).isNull();
    assertThat(order.settings().allowedOutputs()).containsExactly("down.example.com/default/**");
    var map =
        cluster
            .client()
            .configMaps()
            .inNamespace(NAMESPACE)
            .withName(job.getMetadata().getName())
            .get();
    assertThat(map.getImmutable()).isTrue();
    Awaitility.await()
        .until(
            () ->
                cluster
                    .client()
                    .configMaps()
                    .resource(map)
                    .get()
                    .hasOwnerReferenceFor(job.getMetadata().getUid()));
  }

  @Test
  void runsAgainWhenItIsTime() {
    cluster.apply("alpine", "schedule: \"@hourly\"");
    cluster.succeeds("alpine", 1);
    later(Duration.ofHours(5));
    assertThat(run(cluster.succeeds("alpine", 2)).cause()).isEqualTo(Cause.Schedule);
    // Five times were missed, and one was made up for.
    later(Duration.ZERO);
    cluster.awaitReady("alpine", "True", "Succeeded");
    assertThat(cluster.jobs()).hasSize(2);
  }

  @Test
  void aRunUnderWayIsNotJoinedByAnother() {
    cluster.apply("alpine", "interval: 1m");
    var job = cluster.awaitJob("alpine", 1);
    var pod = cluster.runs(job);
    cluster.awaitReady("alpine", "Unknown", "Mirroring");
    later(Duration.ofHours(1));
    cluster.awaitReady("alpine", "Unknown", "Mirroring");
    assertThat(cluster.jobs()).hasSize(1);
    cluster.ends(job, pod, 0, copied(3), List.of());
    // It took longer than the interval.
    assertThat(run(cluster.succeeds("alpine", 2)).cause()).isEqualTo(Cause.Interval);
  }

  @Test
  void theAnnotationStartsARunAndIsRemembered() {
    cluster.apply("alpine", "");
    var first = cluster.succeeds("alpine", 1);
    assertThat(first.nextSync()).isNull();
    cluster.annotate("alpine", "now");
    var second = cluster.succeeds("alpine", 2);
    assertThat(run(second).cause()).isEqualTo(Cause.Requested);
    assertThat(second.lastHandledSync()).isEqualTo("now");
    later(Duration.ofDays(300));
    cluster.annotate("alpine", "again");
    assertThat(run(cluster.succeeds("alpine", 3)).number()).isEqualTo(3);
  }

  @Test
  void whatChangesNothingAtTheDestinationStartsNothing() {
    cluster.apply("alpine", "schedule: \"0 0 1 1 *\"");
    cluster.succeeds("alpine", 1);
    cluster.apply(
        "alpine", "schedule: \"0 0 1 7 *\"\nconcurrency: 3\ntimeout: 2h\nhistory: {failed: 1}");
    var status =
        cluster.await("alpine", "is seen", s -> Objects.equals(s.observedGeneration(), 2L));
    assertThat(condition(status, "Ready")).isEqualTo("True");
    assertThat(status.nextSync()).contains("-07-01T00:00:00Z");
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aChangeOfWhatIsCopiedTakesTheRunsPlace() {
    cluster.apply("alpine", "");
    var job = cluster.awaitJob("alpine", 1);
    var pod = cluster.runs(job);
    cluster.awaitReady("alpine", "Unknown", "Mirroring");
    cluster.apply("alpine", "platforms: [linux/amd64]");
    // Two must not work at once.
    cluster.await(
        "alpine", "waits for the pod", s -> message(s).contains(pod.getMetadata().getName()));
    cluster.collect(pod);
    var status = cluster.succeeds("alpine", 2);
    assertThat(run(status).cause()).isEqualTo(Cause.SpecChanged);
    assertThat(cluster.jobs()).extracting(left -> left.getMetadata().getName()).hasSize(1);
    assertThat(cluster.awaitEvents("Superseded")).hasSize(1);
  }

  @Test
  void suspendedNothingStarts() {
    cluster.apply("alpine", "suspend: true\nschedule: \"@hourly\"");
    cluster.awaitReady("alpine", "Unknown", "Suspended");
    assertThat(cluster.jobs()).isEmpty();
    cluster.apply("alpine", "schedule: \"@hourly\"");
    cluster.succeeds("alpine", 1);
    cluster.apply("alpine", "suspend: true\nschedule: \"@hourly\"");
    var status =
        cluster.await("alpine", "is suspended", s -> Objects.equals(s.observedGeneration(), 3L));
    assertThat(status.nextSync()).isNull();
    assertThat(condition(status, "Ready")).isEqualTo("True");
    later(Duration.ofHours(5));
    // What was missed meanwhile is not made up for.
    cluster.apply("alpine", "schedule: \"@hourly\"");
    cluster.await("alpine", "goes on", s -> s.nextSync() != null);
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aRegistryThatIsDownIsTriedAgainWithGrowingWaits() {
    cluster.apply("alpine", "");
    var status = cluster.fails("alpine", 1, MirrorFailureReason.RegistryUnavailable);
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(condition(status, "Reconciling")).isEqualTo("True");
    assertThat(wait(status)).isEqualTo(Duration.ofMinutes(5));
    assertThat(status.failed()).isEqualTo(2);
    later(Duration.ofMinutes(6));
    status = cluster.fails("alpine", 2, MirrorFailureReason.RegistryUnavailable);
    assertThat(run(status).cause()).isEqualTo(Cause.Retry);
    assertThat(run(status).retry()).isEqualTo(1);
    assertThat(wait(status)).isEqualTo(Duration.ofMinutes(10));
    later(Duration.ofMinutes(11));
    status = cluster.succeeds("alpine", 3);
    assertThat(run(status).retryTime()).isNull();
  }

  private static Duration wait(ImageMirrorStatus status) {
    return Duration.between(
        Instant.parse(requireNonNull(run(status).completionTime())),
        Instant.parse(requireNonNull(run(status).retryTime())));
  }

  @Test
  void aWrongPasswordIsFinalUntilItsSecretIsAnother() {
    cluster.login("pull", "d3Jvbmc=");
    cluster.apply(
        "alpine",
        """
        source: {repository: up.example.com/alpine, secretRef: {name: pull}}
        destination: {prefix: down.example.com}
        tags: {all: true}
        """);
    var status = cluster.fails("alpine", 1, MirrorFailureReason.Unauthorized);
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    assertThat(cluster.awaitEvents("MirrorFailed").getFirst().getMessage())
        .contains("Unauthorized");
    cluster.login("pull", "cmlnaHQ=");
    status = cluster.succeeds("alpine", 2);
    assertThat(run(status).cause()).isEqualTo(Cause.SecretChanged);
    assertThat(condition(status, "Stalled")).isEqualTo("False");
  }

  @Test
  void aSecretThatIsMissingIsToldAndPickedUp() {
    cluster.apply(
        "alpine",
        """
        source: {repository: up.example.com/alpine}
        destination: {prefix: down.example.com}
        tags: {all: true}
        verify: {publicKeyRef: {name: cosign}}
        """);
    var status = cluster.awaitReady("alpine", "False", "SecretNotFound");
    assertThat(message(status)).contains("Secret cosign does not exist");
    assertThat(cluster.jobs()).isEmpty();
    cluster.login("cosign", "eA==");
    cluster.await("alpine", "says what it lacks", s -> message(s).contains("cosign.pub"));
  }

  @Test
  void aKilledPodsJobMakesAnotherWhoseWordCounts() {
    cluster.apply("alpine", "");
    var job = cluster.awaitJob("alpine", 1);
    assertThat(
            job.getSpec().getPodFailurePolicy().getRules().getLast().getOnExitCodes().getValues())
        .doesNotContain(137);
    cluster.podIs(cluster.runs(job), MirrorCluster.ended(137, "Error", null));
    cluster.awaitReady("alpine", "Unknown", "Starting");
    cluster.ends(job, cluster.runs(job), 0, copied(1), List.of());
    assertThat(run(cluster.awaitReady("alpine", "True", "Succeeded")).number()).isEqualTo(1);
  }

  @Test
  void outOfMemoryAndUnschedulableHaveTheirReasons() {
    cluster.apply("alpine", "");
    var job = cluster.awaitJob("alpine", 1);
    var pod =
        cluster.pod(
            job,
            new PodStatusBuilder()
                .withPhase("Pending")
                .addNewCondition()
                .withType("PodScheduled")
                .withStatus("False")
                .withReason("Unschedulable")
                .withMessage("0/3 nodes are available")
                .withLastTransitionTime(MirrorCluster.timeAgo(Duration.ofMinutes(5)))
                .endCondition()
                .build());
    cluster.awaitReady("alpine", "False", "Unschedulable");
    cluster.podIs(pod, MirrorCluster.ended(137, "OOMKilled", null));
    cluster.jobEnds(job, "Failed", "BackoffLimitExceeded");
    var status = cluster.awaitReady("alpine", "False", "OutOfMemory");
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    // More memory is how that is mended.
    cluster.apply("alpine", "podTemplate: {resources: {limits: {memory: 1Gi}}}");
    assertThat(run(cluster.succeeds("alpine", 2)).cause()).isEqualTo(Cause.PodChanged);
  }

  @Test
  void aDeletedJobIsFollowedByAnother() {
    cluster.apply("alpine", "");
    var job = cluster.awaitJob("alpine", 1);
    cluster.awaitReady("alpine", "Unknown", "Starting");
    cluster.client().batch().v1().jobs().resource(job).delete();
    var status = cluster.awaitReady("alpine", "False", "Infrastructure");
    assertThat(message(status)).contains("was deleted before its result was read");
    assertThat(run(status).retryTime()).isNotNull();
  }

  @Test
  void jobsStayAsHistorySays() {
    cluster.apply("alpine", "history: {successful: 1, failed: 1, ttl: 2h}");
    cluster.succeeds("alpine", 1);
    cluster.annotate("alpine", "2");
    cluster.fails("alpine", 2, MirrorFailureReason.Denied);
    cluster.annotate("alpine", "3");
    cluster.succeeds("alpine", 3);
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(cluster.jobs())
                    .hasSize(2)
                    .allSatisfy(
                        job ->
                            assertThat(job.getSpec().getTtlSecondsAfterFinished())
                                .isEqualTo(7200)));
  }

  @Test
  void theyWaitForTheirTurn() {
    restartWith("maxConcurrentMirrors: 1");
    cluster.apply("one", "");
    var first = cluster.awaitJob("one", 1);
    cluster.awaitReady("one", "Unknown", "Starting");
    cluster.apply("two", "");
    cluster.awaitReady("two", "Unknown", "Queued");
    cluster.ends(first, cluster.runs(first), 0, copied(1), List.of());
    cluster.succeeds("two", 1);
  }

  @Test
  void aRestartLosesAndRepeatsNothing() {
    cluster.apply("alpine", "schedule: \"@hourly\"");
    var job = cluster.awaitJob("alpine", 1);
    var pod = cluster.runs(job);
    cluster.awaitReady("alpine", "Unknown", "Mirroring");
    cluster.stopOperator();
    cluster.ends(job, pod, 0, copied(2), List.of());
    cluster.startOperator();
    var status = cluster.awaitReady("alpine", "True", "Succeeded");
    assertThat(status.copied()).isEqualTo(2);
    later(Duration.ZERO);
    cluster.awaitReady("alpine", "True", "Succeeded");
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aStatusThatCouldNotBeWrittenMakesNoSecondJob() {
    cluster.faults.failOnce("PUT .*/imagemirrors/alpine/status", 500, "etcd is away");
    cluster.apply("alpine", "");
    cluster.succeeds("alpine", 1);
    assertThat(cluster.faults.happened()).isTrue();
    assertThat(cluster.jobs()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          schedule: "0 0 31 2 *"                          | spec.schedule
          schedule: "61 * * * *"                          | spec.schedule
          schedule: "@daily";timeZone: Europe/Zurch       | spec.timeZone
          schedule: "@daily";interval: 1h                 | exclude each other
          interval: soon                                  | spec.interval
          tags: {regex: "("}                              | spec.tags.regex
          timeout: long                                   | spec.timeout
          concurrency: many                               | spec.concurrency
          """)
  void refusesWhatMakesNoSense(String spec, String words) {
    var whole =
        (spec.startsWith("tags") ? "" : "tags: {all: true}\n")
            + "source: {repository: a.example.com/x}\ndestination: {prefix: b.example.com}\n"
            + spec.replace(";", "\n");
    cluster.apply("alpine", whole);
    var status = cluster.awaitReady("alpine", "False", "SpecInvalid");
    assertThat(message(status)).contains(words);
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    assertThat(cluster.jobs()).isEmpty();
    assertThat(cluster.awaitEvents("SpecInvalid")).hasSize(1);
    cluster.apply("alpine", "");
    assertThat(run(cluster.succeeds("alpine", 1)).phase()).isEqualTo(Phase.Succeeded);
  }
}
