package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.NAMESPACE;
import static build.kiln.operator.imagebuild.TestCluster.failed;
import static build.kiln.operator.imagebuild.TestCluster.newest;
import static build.kiln.operator.imagebuild.TestCluster.pushed;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.api.v1alpha1.ImageBuildStatus.IsolationReport;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.api.work.ExitCode;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.api.work.Report;
import build.kiln.api.work.WorkOrder;
import build.kiln.operator.job.Admission;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.Names;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** An ImageBuild's life, from acceptance to its image or its failure, on an API server. */
class LifeTest {
  private static final String HELLO = "dockerfile: {inline: \"FROM scratch\"}";
  private static final String OTHER = "dockerfile: {inline: \"FROM other\"}";
  private static final String VERSION =
      "\nbuildArgs: [{name: VERSION, valueFrom: {configMapKeyRef: {name: versions, key: app}}}]";
  private static final int USER = ExitCode.USER.code();
  private static final int INFRASTRUCTURE = ExitCode.INFRASTRUCTURE.code();

  private TestCluster cluster = new TestCluster();

  @AfterEach
  void stop() {
    cluster.close();
  }

  private void restartWith(String settings) {
    cluster.close();
    cluster = new TestCluster(settings);
  }

  @Test
  void buildsAndIsReady() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    var pod = cluster.runs(job);
    cluster.awaitReady("hello", "Unknown", "Building");
    assertThat(newest(cluster.status("hello")).phase()).isEqualTo(Phase.Running);
    cluster.ends(job, pod, 0, pushed("registry.example.com/x"));
    var status = cluster.awaitReady("hello", "True", "Succeeded");

    assertThat(status.image()).isEqualTo("registry.example.com/x@" + TestCluster.DIGEST);
    assertThat(status.observedGeneration()).isEqualTo(1);
    assertThat(condition(status, "Reconciling")).isEqualTo("False");
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    var run = newest(status);
    assertThat(run.phase()).isEqualTo(Phase.Succeeded);
    assertThat(run.cause()).extracting("type").isEqualTo("Created");
    assertThat(run.platform().orElseThrow().digest()).isEqualTo(TestCluster.DIGEST);
    assertThat(run.platform().orElseThrow().pushedBytes()).isEqualTo(2000);
    assertThat(cluster.awaitEvents("BuildStarted")).hasSize(1);
    assertThat(cluster.awaitEvents("BuildSucceeded")).hasSize(1);
    Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(
                        cluster
                            .metrics
                            .get("kiln.builds.finished")
                            .tags("result", "succeeded")
                            .counter()
                            .count())
                    .isEqualTo(1));
  }

  @Test
  void theJobMayExpireOnlyWhenItsResultIsRecorded() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    assertThat(job.getSpec().getTtlSecondsAfterFinished()).isNull();
    cluster.ends(job, cluster.runs(job), 0, pushed("registry.example.com/x"));
    Awaitility.await()
        .until(() -> ttl(job), ttl -> ttl != null && ttl == Duration.ofHours(24).toSeconds());
    assertThat(newest(cluster.status("hello")).phase()).isEqualTo(Phase.Succeeded);
  }

  @Test
  void aPodThatEndedWellIsEnough() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var pod = cluster.runs(job);
    cluster.podIs(pod, TestCluster.ended(0, "", Records.outcome(pushed("registry.example.com/x"))));
    cluster.awaitReady("hello", "True", "Succeeded");
    Awaitility.await().until(() -> ttl(job), Objects::nonNull);
    assertThat(cluster.jobs()).hasSize(1);
  }

  private Integer ttl(Job job) {
    return cluster
        .client()
        .batch()
        .v1()
        .jobs()
        .resource(job)
        .get()
        .getSpec()
        .getTtlSecondsAfterFinished();
  }

  @Test
  void theOrderIsAConfigMapThatTheJobOwns() {
    cluster.apply("hello", HELLO + "\noutput: {image: r.example.com/x, tags: [\"v{{run}}\"]}");
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    var map =
        cluster
            .client()
            .configMaps()
            .inNamespace(NAMESPACE)
            .withName(job.getMetadata().getName())
            .get();
    assertThat(map.getImmutable()).isTrue();
    assertThat(map.hasOwnerReferenceFor(job.getMetadata().getUid())).isTrue();
    WorkOrder order = Records.readOrder(Objects.requireNonNull(map.getData().get("order.json")));
    assertThat(order.resource().getSpec()).isEqualTo(cluster.get("hello").getSpec());
    assertThat(order.resource().getStatus()).isNull();
    assertThat(order.resolved().tags()).containsExactly("v1");
    assertThat(order.resolved().isolation()).isEqualTo(Isolation.Namespaces);
    assertThat(order.resolved().nonce()).hasSize(32);
  }

  @Test
  void tellsProgressAndStepsByFramedRecordsOnly() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var nonce = cluster.nonce(job);
    var pod = cluster.runs(job);
    var name = pod.getMetadata().getName();
    cluster.logs.put(
        name,
        Records.progress(nonce, new Progress(2, 6, "RUN make"))
            + "\n"
            + Records.progress("forged-by-a-run-step", new Progress(6, 6, "RUN forged"))
            + "\n");
    var status = cluster.await("hello", "is at step 2/6", s -> "2/6".equals(s.step()));
    assertThat(newest(status).progress()).isEqualTo(new Progress(2, 6, "RUN make"));

    var outcome = pushed("registry.example.com/x");
    cluster.logs.put(
        name,
        Records.report(
                nonce,
                new Report(
                    outcome,
                    "linux/amd64",
                    "c0ffee",
                    List.of(new Step("RUN make", CacheResult.Miss, "new", "1.2s", null, 10L)),
                    Map.of(),
                    0))
            + "\n");
    cluster.ends(job, pod, 0, outcome);
    status = cluster.awaitReady("hello", "True", "Succeeded");
    var run = newest(status);
    assertThat(run.revision()).isEqualTo("c0ffee");
    assertThat(run.platform().orElseThrow().platform()).isEqualTo("linux/amd64");
    assertThat(run.steps()).extracting(Step::instruction).containsExactly("RUN make");
    assertThat(status.step()).isNull();
  }

  @Test
  void garbageInTheLogIsNoError() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var pod = cluster.runs(job);
    cluster.logs.put(pod.getMetadata().getName(), "kiln-record \0 report {\"outcome\":");
    cluster.ends(job, pod, 0, pushed("registry.example.com/x"));
    assertThat(newest(cluster.awaitReady("hello", "True", "Succeeded")).steps()).isNull();
  }

  @Test
  void theSameAgainBuildsNothing() {
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");

    cluster.apply("hello", HELLO + "\nhistory: {successful: 5}\ntimeout: 2h");
    var status =
        cluster.await(
            "hello", "has seen the change", s -> Long.valueOf(2).equals(s.observedGeneration()));
    assertThat(condition(status, "Ready")).isEqualTo("True");
    assertThat(status.allRuns()).hasSize(1);
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aChangeBuildsAndKeepsTheGoodImageThroughFailure() {
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
    var image = cluster.awaitReady("hello", "True", "Succeeded").image();

    cluster.apply("hello", OTHER);
    var job = cluster.awaitJob("hello", 2);
    var during = cluster.awaitReady("hello", "Unknown", "Starting");
    assertThat(newest(during).cause()).extracting("type").isEqualTo("SpecChanged");
    cluster.ends(job, cluster.runs(job), USER, failed(FailureReason.PushDenied, "denied"));
    var status = cluster.awaitFailed("hello", FailureReason.PushDenied);
    assertThat(status.image()).isEqualTo(image);
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    assertThat(cluster.awaitEvents("BuildFailed")).hasSize(1);
  }

  @Test
  void theAnnotationBuildsAgainOnce() {
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
    cluster.annotate("hello", "now");
    cluster.succeeds("hello", 2);
    var status = cluster.awaitReady("hello", "True", "Succeeded");
    assertThat(status.lastHandledRebuild()).isEqualTo("now");
    assertThat(newest(status).cause())
        .isEqualTo(new ImageBuildStatus.Cause("Rebuild", null, "now"));

    cluster.stopOperator();
    cluster.startOperator();
    cluster.annotate("hello", "again");
    cluster.succeeds("hello", 3);
    assertThat(cluster.status("hello").allRuns()).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({
    "128, aaaa",
    "129, sha256:c12cb024a2e5551cca0e08fce8f1c5e314555cc3fef6329ee994a3db752166ae",
    "200000, sha256:"
  })
  void aWishForARebuildMayBeLong(int length, String kept) {
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
    cluster.annotate("hello", "a".repeat(length));
    cluster.succeeds("hello", 2);
    var status = cluster.awaitReady("hello", "True", "Succeeded");
    assertThat(status.lastHandledRebuild()).startsWith(kept).hasSizeLessThanOrEqualTo(128);
    assertThat(newest(status).cause())
        .isEqualTo(new ImageBuildStatus.Cause("Rebuild", null, status.lastHandledRebuild()));
    restart();
    cluster.annotate("hello", "b".repeat(length));
    cluster.succeeds("hello", 3);
    assertThat(cluster.jobs()).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource(
      value = FailureReason.class,
      names = {
        "DockerfileInvalid",
        "StepFailed",
        "BaseImageNotFound",
        "PushDenied",
        "Unauthorized",
        "RegistryNotAllowed",
        "IsolationUnavailable",
        "SpecInvalid"
      })
  void whatOnlyAPersonCanMendIsStalled(FailureReason reason) {
    cluster.apply("hello", HELLO);
    cluster.fails("hello", 1, USER, failed(reason, "it is so"));
    var status = cluster.awaitFailed("hello", reason);
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    assertThat(condition(status, "Reconciling")).isEqualTo("False");
    assertThat(message(status)).contains("it is so");
  }

  @Test
  void aFailedStepTellsStepExitCodeAndTail() {
    cluster.apply("hello", HELLO);
    cluster.fails(
        "hello",
        1,
        USER,
        new Outcome(
            false,
            FailureReason.StepFailed,
            "RUN exited with 7",
            "RUN exit 7",
            7,
            "last words",
            null,
            null,
            3,
            0,
            new IsolationReport(Isolation.Auto, Isolation.Namespaces, "crun"),
            0,
            0));
    var failure = newest(cluster.awaitFailed("hello", FailureReason.StepFailed)).failure();
    assertThat(failure)
        .isEqualTo(
            new ImageBuildStatus.Failure(
                FailureReason.StepFailed, "RUN exit 7", 7, "RUN exited with 7", "last words"));
    var isolation = newest(cluster.status("hello")).platform().orElseThrow().isolation();
    assertThat(isolation)
        .isEqualTo(new IsolationReport(Isolation.Auto, Isolation.Namespaces, "crun"));
  }

  @ParameterizedTest
  @EnumSource(
      value = FailureReason.class,
      names = {"RegistryUnavailable", "SourceUnavailable", "Infrastructure"})
  void whatMayPassIsRunAgainWithGrowingWaits(FailureReason reason) {
    cluster.apply("hello", HELLO);
    cluster.fails("hello", 1, INFRASTRUCTURE, failed(reason, "down"));
    var status = cluster.awaitFailed("hello", reason);
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(condition(status, "Reconciling")).isEqualTo("True");
    assertThat(message(status)).contains("the next run is due at");

    cluster.clock.advance(Duration.ofMinutes(5));
    restart();
    cluster.fails("hello", 2, INFRASTRUCTURE, failed(reason, "still down"));
    status = cluster.awaitFailed("hello", reason);
    assertThat(newest(status).cause())
        .isEqualTo(new ImageBuildStatus.Cause("Retry", reason.name(), "1"));
    var wait =
        Duration.between(
            Instant.parse(newest(status).completionTime()),
            Retries.next(newest(status), TestCluster.settings("")).orElseThrow());
    assertThat(wait).isEqualTo(Duration.ofMinutes(10));

    cluster.clock.advance(Duration.ofMinutes(10));
    restart();
    cluster.succeeds("hello", 3);
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  /** A restart looks at everything anew, so a clock that jumped is seen. */
  private void restart() {
    cluster.stopOperator();
    cluster.startOperator();
  }

  @Test
  void aMissingRevisionIsLookedForAgain() {
    restartWith("retry: {missingInitial: 1s}");
    cluster.apply("hello", HELLO);
    cluster.fails("hello", 1, USER, failed(FailureReason.SourceNotFound, "no branch main"));
    cluster.succeeds("hello", 2);
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  @Test
  void aSecretOfTheBuildNeedsEveryKeyThatIsNamed() {
    secret("npm", Map.of("npmrc", "eA=="));
    cluster.apply(
        "hello",
        HELLO
            + "\nsecrets: [{id: npmrc, secretRef: {name: npm}}, {id: t, secretRef: {name: npm, key: token}}]");
    var status = cluster.awaitFailed("hello", FailureReason.SecretNotFound);
    assertThat(message(status)).contains("Secret npm", "npmrc, token");

    secret("npm", Map.of("npmrc", "eA==", "token", "eA==", "more", "eA=="));
    var job = cluster.awaitJob("hello", 1);
    assertThat(job.getSpec().getTemplate().getSpec().getVolumes())
        .filteredOn(volume -> volume.getProjected() != null)
        .singleElement()
        .asString()
        .contains("build/npm/npmrc", "build/npm/token")
        .doesNotContain("more");
  }

  @Test
  void aMissingSecretIsPickedUpWhenItAppears() {
    cluster.apply("hello", HELLO + "\nregistrySecrets: [{name: login}]");
    var status = cluster.awaitFailed("hello", FailureReason.SecretNotFound);
    assertThat(message(status)).contains("Secret login", "picked up when it appears");
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(cluster.jobs()).isEmpty();

    secret("login", Map.of("other", "eA=="));
    cluster.await("hello", "names the key", s -> message(s).contains(".dockerconfigjson"));

    secret("login", Map.of(".dockerconfigjson", "e30="));
    var job = cluster.awaitJob("hello", 1);
    assertThat(cluster.awaitEvents("SecretNotFound")).hasSize(1);
    assertThat(job.getSpec().getTemplate().getSpec().getVolumes())
        .filteredOn(volume -> volume.getProjected() != null)
        .singleElement()
        .satisfies(
            volume ->
                assertThat(
                        volume
                            .getProjected()
                            .getSources()
                            .getFirst()
                            .getSecret()
                            .getItems()
                            .getFirst()
                            .getPath())
                    .isEqualTo("registry/login/.dockerconfigjson"));
  }

  private void secret(String name, Map<String, String> data) {
    var secret =
        new SecretBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(NAMESPACE)
            .endMetadata()
            .withData(data)
            .build();
    cluster.client().secrets().resource(secret).delete();
    cluster.client().secrets().resource(secret).create();
  }

  @Test
  void aMissingConfigMapIsPickedUpWhenItAppears() {
    cluster.apply(
        "hello", "source: {configMap: {name: files, items: [{key: a, path: Dockerfile}]}}");
    cluster.awaitFailed("hello", FailureReason.SourceNotFound);
    cluster
        .client()
        .configMaps()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("files")
                .withNamespace(NAMESPACE)
                .endMetadata()
                .addToData("a", "FROM scratch")
                .build())
        .create();
    var job = cluster.awaitJob("hello", 1);
    assertThat(job.getSpec().getTemplate().getSpec().getContainers().getFirst().getVolumeMounts())
        .anySatisfy(mount -> assertThat(mount.getMountPath()).isEqualTo("/kiln/configmaps/files"));
  }

  @Test
  void aMissingConfigMapOfANamedContextIsPickedUpWhenItAppears() {
    cluster.apply("hello", HELLO + "\ncontexts: [{name: assets, configMap: {name: files}}]");
    var status = cluster.awaitFailed("hello", FailureReason.SourceNotFound);
    assertThat(message(status)).contains("ConfigMap files does not exist");

    configMap("files", Map.of("a", "b"));

    assertThat(cluster.awaitJob("hello", 1)).isNotNull();
  }

  @Test
  void aBuildArgumentHasTheValueOfAConfigMap() {
    cluster.apply("hello", HELLO + VERSION);
    var status = cluster.awaitFailed("hello", FailureReason.SourceNotFound);
    assertThat(message(status)).contains("ConfigMap versions of build argument VERSION");
    var accepted = status.inputsHash();

    configMap("versions", Map.of("other", "x"));
    cluster.await("hello", "lacks the key", s -> message(s).contains("has no key app"));
    configMap("versions", Map.of("app", "1"));

    assertThat(arguments(1)).containsExactly(Map.entry("VERSION", "1"));
    status =
        cluster.await(
            "hello", "has begun", s -> s.newestRun().orElseThrow().platform().isPresent());
    // The value is an input of the run that waited for it, and no reason for another.
    assertThat(status.inputsHash()).startsWith(accepted + "-");
    assertThat(newest(status).inputsHash()).isEqualTo(status.inputsHash());
    assertThat(newest(status).number()).isEqualTo(1);
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");

    restart();
    cluster.awaitReady("hello", "True", "Succeeded");
    assertThat(newest(cluster.get("hello").getStatus()).number()).isEqualTo(1);
  }

  @Test
  void anotherValueOfABuildArgumentIsAnotherRun() {
    configMap("versions", Map.of("app", "1"));
    cluster.apply("hello", HELLO + VERSION);
    cluster.succeeds("hello", 1);
    var before = cluster.awaitReady("hello", "True", "Succeeded").inputsHash();

    configMap("versions", Map.of("app", "2"));
    restart();

    assertThat(arguments(2)).containsExactly(Map.entry("VERSION", "2"));
    var status =
        cluster.await(
            "hello", "has begun", s -> s.newestRun().orElseThrow().platform().isPresent());
    assertThat(newest(status).cause())
        .isEqualTo(new ImageBuildStatus.Cause("ArgumentChanged", before, status.inputsHash()));
    assertThat(status.inputsHash()).isNotEqualTo(before);
  }

  /** It was there when the image was built, and that is still what the spec asks for. */
  @Test
  void aConfigMapThatGoesStartsNothing() {
    configMap("versions", Map.of("app", "1"));
    cluster.apply("hello", HELLO + VERSION);
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");

    cluster.client().configMaps().inNamespace(NAMESPACE).withName("versions").delete();
    restart();
    cluster.apply("other", HELLO);
    cluster.succeeds("other", 1);

    assertThat(newest(cluster.awaitReady("hello", "True", "Succeeded")).number()).isEqualTo(1);
  }

  private Map<String, String> arguments(long run) {
    var job = cluster.awaitJob("hello", run);
    var map =
        cluster
            .client()
            .configMaps()
            .inNamespace(NAMESPACE)
            .withName(job.getMetadata().getName())
            .get();
    WorkOrder order = Records.readOrder(Objects.requireNonNull(map.getData().get("order.json")));
    return Objects.requireNonNull(order.resolved().buildArgs());
  }

  private void configMap(String name, Map<String, String> data) {
    var map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(NAMESPACE)
            .endMetadata()
            .withData(data)
            .build();
    cluster.client().configMaps().resource(map).delete();
    cluster.client().configMaps().resource(map).create();
  }

  @Test
  void aChangeWhileItRunsSupersedesTheRun() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var pod = cluster.runs(job);
    cluster.awaitReady("hello", "Unknown", "Building");

    cluster.apply("hello", OTHER);
    var status = cluster.await("hello", "has a second run", s -> s.allRuns().size() == 2);
    assertThat(status.allRuns().getLast().failure())
        .extracting("reason")
        .isEqualTo(FailureReason.Superseded);
    // The old pod still runs: the new one must not push before it is gone.
    cluster.await("hello", "waits", s -> message(s).contains(pod.getMetadata().getName()));
    assertThat(cluster.jobs()).isEmpty();

    cluster.collect(pod);
    cluster.succeeds("hello", 2);
    cluster.awaitReady("hello", "True", "Succeeded");
    assertThat(cluster.awaitEvents("Superseded")).hasSize(1);
  }

  @Test
  void suspendedStartsNothingAndGoesOnAfterwards() {
    cluster.apply("hello", HELLO + "\nsuspend: true");
    cluster.awaitReady("hello", "Unknown", "Suspended");
    assertThat(cluster.status("hello").allRuns()).isEmpty();
    cluster.apply("hello", HELLO + "\nsuspend: false");
    cluster.succeeds("hello", 1);

    cluster.apply("hello", OTHER + "\nsuspend: true");
    cluster.awaitReady("hello", "Unknown", "Suspended");
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aRunUnderWayGoesOnWhenSuspended() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.apply("hello", HELLO + "\nsuspend: true");
    cluster.ends(job, cluster.runs(job), 0, pushed("registry.example.com/x"));
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  @Test
  void aNewOperatorTakesOverARunAndRepeatsNothing() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.stopOperator();
    cluster.ends(job, cluster.runs(job), 0, pushed("registry.example.com/x"));
    cluster.startOperator();
    cluster.awaitReady("hello", "True", "Succeeded");
    restart();
    cluster.apply("other", OTHER);
    cluster.awaitJob("other", 1);
    assertThat(cluster.jobs()).hasSize(2);
    assertThat(cluster.status("hello").allRuns()).hasSize(1);
    assertThat(cluster.awaitEvents("BuildSucceeded")).hasSize(1);
  }

  @Test
  void aLostStatusWriteLeadsToTheSameJob() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var nonce = cluster.nonce(job);
    cluster.awaitReady("hello", "Unknown", "Starting");
    cluster.stopOperator();
    // As if the operator had died between making the Job and writing the status.
    cluster
        .client()
        .resource(cluster.get("hello"))
        .editStatus(
            build -> {
              var was = build.getStatus();
              var run = newest(was);
              build.setStatus(
                  new ImageBuildStatus(
                      was.observedGeneration(),
                      null,
                      was.inputsHash(),
                      null,
                      null,
                      null,
                      List.of(
                          new ImageBuildStatus.Run(
                              run.number(),
                              run.cause(),
                              run.inputsHash(),
                              run.podHash(),
                              null,
                              Phase.Pending,
                              run.startTime(),
                              null,
                              null,
                              null,
                              null,
                              null)),
                      null));
              return build;
            });
    cluster.startOperator();
    cluster.await(
        "hello",
        "knows its Job",
        s ->
            newest(s)
                .platform()
                .filter(platform -> job.getMetadata().getName().equals(platform.job()))
                .isPresent());
    assertThat(cluster.jobs()).hasSize(1);
    assertThat(cluster.nonce(job)).isEqualTo(nonce);
  }

  @Test
  void aStatusThatLosesAgainstAnotherWriteIsWrittenByTheNextPass() {
    cluster.faults.failOnce("PUT .*/imagebuilds/hello/status", 409, "the object has been modified");
    cluster.apply("hello", HELLO);
    cluster.awaitReady("hello", "Unknown", "Starting");
    assertThat(cluster.faults.happened()).isTrue();
    cluster.succeeds("hello", 1);
    var status = cluster.awaitReady("hello", "True", "Succeeded");
    assertThat(status.allRuns()).hasSize(1);
    assertThat(cluster.awaitEvents("BuildAccepted")).hasSize(1);
    assertThat(cluster.events("ReconcileFailed")).isEmpty();
  }

  @Test
  void aStartWhoseStatusLosesAgainstAnotherWriteIsTheSameStart() {
    var asked = new AtomicInteger();
    cluster.admission =
        pod -> {
          if (asked.incrementAndGet() == 1) {
            cluster.faults.failOnce(
                "PUT .*/imagebuilds/hello/status", 409, "the object has been modified");
          }
          // The tier that the next pass would choose is another one.
          return asked.get() == 1 || !Objects.equals(pod.getSpec().getHostUsers(), false)
              ? new Admission.Admitted()
              : new Admission.Refused("not any more");
        };
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var status = cluster.awaitReady("hello", "Unknown", "Starting");
    assertThat(cluster.faults.happened()).isTrue();
    assertThat(newest(status).platform().orElseThrow().job())
        .isEqualTo(job.getMetadata().getName());
    cluster.succeeds("hello", 1);
    assertThat(BuildLabels.tier(job)).contains(Isolation.Namespaces);
    assertThat(cluster.jobs()).hasSize(1);
    assertThat(cluster.events("ReconcileFailed")).isEmpty();
  }

  @Test
  void aForeignJobInTheWayIsToldAndLeftAlone() {
    cluster.apply("hello", HELLO + "\nsuspend: true");
    cluster.awaitReady("hello", "Unknown", "Suspended");
    var name = Names.job("hello", cluster.get("hello").getMetadata().getUid(), 1, 1);
    var foreign =
        cluster
            .client()
            .batch()
            .v1()
            .jobs()
            .inNamespace(NAMESPACE)
            .resource(
                new JobBuilder()
                    .withNewMetadata()
                    .withName(name)
                    .withNamespace(NAMESPACE)
                    .endMetadata()
                    .build());
    foreign.create();
    cluster.apply("hello", HELLO);
    var status = cluster.awaitReady("hello", "Unknown", "ReconcileFailed");
    assertThat(message(status)).contains(name, "is in the way", "delete it");
    assertThat(newest(status).platform()).isEmpty();
    assertThat(cluster.awaitEvents("ReconcileFailed")).hasSize(1);
    assertThat(foreign.get().getMetadata().getLabels()).isNullOrEmpty();

    foreign.delete();
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  @Test
  void aJobDeletedByHandIsRunAgain() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    cluster.client().batch().v1().jobs().resource(job).delete();
    var status = cluster.awaitFailed("hello", FailureReason.Infrastructure);
    assertThat(message(status)).contains("was deleted");
  }

  @Test
  void aNewPodTemplateMendsWhatThePodBroke() {
    cluster.apply("hello", HELLO + "\npodTemplate: {resources: {limits: {memory: 64Mi}}}");
    var job = cluster.awaitJob("hello", 1);
    var pod = cluster.runs(job);
    cluster.podIs(pod, TestCluster.ended(137, "OOMKilled", null));
    cluster.jobEnds(job, "Failed", "PodFailurePolicy");
    var status = cluster.awaitFailed("hello", FailureReason.OutOfMemory);
    assertThat(message(status)).contains("64Mi");

    cluster.apply("hello", HELLO + "\npodTemplate: {resources: {limits: {memory: 1Gi}}}");
    cluster.succeeds("hello", 2);
    assertThat(newest(cluster.awaitReady("hello", "True", "Succeeded")).cause())
        .extracting("type")
        .isEqualTo("PodChanged");
  }

  @Test
  void aPodThatNoNodeTakesIsToldAndGoesOnByItself() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    var pod =
        cluster.pod(
            job,
            new PodStatusBuilder()
                .withPhase("Pending")
                .addNewCondition()
                .withType("PodScheduled")
                .withStatus("False")
                .withReason("Unschedulable")
                .withMessage("0/1 nodes are available: insufficient memory")
                .withLastTransitionTime(TestCluster.timeAgo(Duration.ofMinutes(1)))
                .endCondition()
                .build());
    var status = cluster.awaitFailed("hello", FailureReason.Unschedulable);
    assertThat(message(status)).contains("insufficient memory");
    assertThat(condition(status, "Reconciling")).isEqualTo("True");
    assertThat(condition(status, "Stalled")).isEqualTo("False");

    cluster.podIs(pod, new PodStatusBuilder().withPhase("Running").build());
    cluster.awaitReady("hello", "Unknown", "Building");
    cluster.ends(job, pod, 0, pushed("registry.example.com/x"));
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  @Test
  void aDeadlineTellsWhatKeptThePod() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    event(job, "FailedCreate", "pods \"hello\" is forbidden: exceeded quota: q, requested: pods=1");
    cluster.clock.advance(Duration.ofSeconds(10));
    cluster.awaitFailed("hello", FailureReason.QuotaExceeded);

    cluster.jobEnds(job, "Failed", "DeadlineExceeded");
    var status = cluster.await("hello", "has failed", s -> newest(s).phase() == Phase.Failed);
    assertThat(newest(status).failure())
        .extracting("reason")
        .isEqualTo(FailureReason.QuotaExceeded);
    assertThat(message(status))
        .contains(
            "not within the timeout of 3600s",
            "exceeded quota: q",
            "starts by itself when there is room",
            "the next run is due at");
    // As the message says, so it is.
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(condition(status, "Reconciling")).isEqualTo("True");
    cluster.clock.advance(Duration.ofSeconds(20));
    restart();
    cluster.succeeds("hello", 2);
    assertThat(newest(cluster.awaitReady("hello", "True", "Succeeded")).cause())
        .isEqualTo(new ImageBuildStatus.Cause("Retry", "QuotaExceeded", "1"));
  }

  @Test
  void aRefusedReplacementOfAPodIsTold() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.awaitReady("hello", "Unknown", "Starting");
    var pod = cluster.runs(job);
    cluster.awaitReady("hello", "Unknown", "Building");
    var made = Instant.parse(pod.getMetadata().getCreationTimestamp());
    cluster.podIs(pod, TestCluster.ended(INFRASTRUCTURE, "Error", null));
    cluster.clock.advance(Duration.ofMinutes(1));
    event(job, "FailedCreate", "the first pod: exceeded quota: q", made.minusSeconds(9));
    cluster.awaitReady("hello", "Unknown", "Starting");

    event(job, "FailedCreate", "the second pod: exceeded quota: q", made.plusSeconds(9));
    var status = cluster.awaitFailed("hello", FailureReason.QuotaExceeded);
    assertThat(message(status)).contains("the second pod");
    cluster.ends(job, cluster.runs(job), 0, pushed("registry.example.com/x"));
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  private void event(Job job, String reason, String message) {
    event(job, reason, message, Instant.now());
  }

  private void event(Job job, String reason, String message, Instant time) {
    cluster
        .client()
        .v1()
        .events()
        .inNamespace(NAMESPACE)
        .resource(
            new EventBuilder()
                .withNewMetadata()
                .withName("event-%s-%d".formatted(job.getMetadata().getName(), time.toEpochMilli()))
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withNewInvolvedObject()
                .withKind("Job")
                .withUid(job.getMetadata().getUid())
                .endInvolvedObject()
                .withReason(reason)
                .withMessage(message)
                .withLastTimestamp(time.toString())
                .build())
        .create();
  }

  @Test
  void aSandboxThatDoesNotStartMeansTheNextTier() {
    restartWith("allowChroot: true");
    cluster.apply("hello", HELLO);
    var first = cluster.awaitJob("hello", 1);
    cluster.ends(
        first,
        cluster.runs(first),
        ExitCode.SANDBOX.code(),
        failed(FailureReason.IsolationUnavailable, "unshare: Operation not permitted"));
    var second = cluster.awaitJob("hello", 1, 2);
    assertThat(BuildLabels.tier(second)).contains(Isolation.Chroot);
    assertThat(second.getMetadata().getName()).isNotEqualTo(first.getMetadata().getName());
    assertThat(cluster.awaitEvents("IsolationFallback"))
        .singleElement()
        .satisfies(
            event -> assertThat(event.getMessage()).contains("Chroot", "Operation not permitted"));
    cluster.ends(second, cluster.runs(second), 0, pushed("registry.example.com/x"));
    var run = newest(cluster.awaitReady("hello", "True", "Succeeded"));
    assertThat(run.number()).isEqualTo(1);
    assertThat(run.platform().orElseThrow().isolation())
        .asString()
        .contains("Namespaces does not start: unshare: Operation not permitted");
  }

  @Test
  void withoutLeaveForChrootASandboxThatDoesNotStartIsTheEnd() {
    cluster.apply("hello", HELLO);
    var job = cluster.awaitJob("hello", 1);
    cluster.ends(
        job,
        cluster.runs(job),
        ExitCode.SANDBOX.code(),
        failed(FailureReason.IsolationUnavailable, "unshare: Operation not permitted"));
    var status = cluster.awaitFailed("hello", FailureReason.IsolationUnavailable);
    assertThat(message(status)).contains("Operation not permitted", "allowChroot");
    assertThat(cluster.jobs()).hasSize(1);
  }

  @Test
  void aTierThatAdmissionRefusesIsToldAndGoesOnWhenItMay() {
    cluster.admission = pod -> new Admission.Refused("violates PodSecurity \"restricted\"");
    cluster.apply("hello", HELLO + "\nisolation: Namespaces");
    var status = cluster.awaitFailed("hello", FailureReason.PodRefused);
    assertThat(message(status)).contains("violates PodSecurity", "spec.isolation");
    assertThat(cluster.jobs()).isEmpty();

    cluster.admission = Admission.ofEverything();
    cluster.succeeds("hello", 1);
  }

  @Test
  void autoTakesTheStrongestTierThatIsAdmitted() {
    cluster.admission =
        pod ->
            Boolean.TRUE.equals(pod.getSpec().getSecurityContext().getRunAsNonRoot())
                ? new Admission.Admitted()
                : new Admission.Refused("violates PodSecurity \"restricted\"");
    cluster.apply("hello", HELLO);
    assertThat(BuildLabels.tier(cluster.awaitJob("hello", 1))).contains(Isolation.NoRun);
    assertThat(cluster.awaitEvents("IsolationFallback")).hasSize(1);
  }

  @Test
  void buildsWaitForTheirTurn() {
    restartWith("maxConcurrentBuilds: 1");
    cluster.apply("one", HELLO);
    cluster.awaitJob("one", 1);
    cluster.apply("two", HELLO);
    var status = cluster.awaitReady("two", "Unknown", "Queued");
    assertThat(status.queuePosition()).isEqualTo(1);
    cluster.apply("three", HELLO);
    assertThat(cluster.awaitReady("three", "Unknown", "Queued").queuePosition()).isEqualTo(2);
    restart();
    assertThat(cluster.jobs()).hasSize(1);

    cluster.succeeds("one", 1);
    cluster.succeeds("two", 1);
    assertThat(cluster.status("two").queuePosition()).isNull();
    cluster.succeeds("three", 1);
    assertThat(cluster.awaitEvents("Queued")).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "POST .*/jobs | 403 | exceeded quota: q, requested: count/jobs.batch=1 | QuotaExceeded | quota raised",
        "POST .*/jobs | 422 | spec.template: Invalid value | PodRefused | Change podTemplate",
        "POST .*/jobs | 400 | admission webhook \"p\" denied the request | PodRefused | Change podTemplate",
        "POST .*/configmaps | 403 | exceeded quota: q, requested: count/configmaps=1 | QuotaExceeded | quota raised"
      })
  void aRefusedJobIsToldAndHoldsNoSlot(
      String request, int code, String words, FailureReason reason, String help) {
    restartWith("maxConcurrentBuilds: 1");
    cluster.faults.fail(request, code, words);
    cluster.apply("hello", HELLO);
    var status = cluster.awaitFailed("hello", reason);
    assertThat(message(status)).contains(words, help);
    assertThat(condition(status, "Stalled")).isEqualTo("False");
    assertThat(condition(status, "Reconciling")).isEqualTo("True");
    assertThat(newest(status).phase()).isEqualTo(Phase.Pending);
    assertThat(newest(status).platform()).isEmpty();

    cluster.apply("other", OTHER);
    cluster.awaitFailed("other", reason);
    assertThat(cluster.jobs()).isEmpty();
    cluster.faults.mend();
    cluster.await("hello", "or the other starts", _ -> !cluster.jobs().isEmpty());
    assertThat(cluster.awaitEvents(reason.name())).hasSize(2);
  }

  @Test
  void anErrorThatLastsIsToldAndHoldsNoSlot() {
    restartWith("maxConcurrentBuilds: 1");
    cluster.admission =
        pod -> {
          if (pod.getMetadata().getName().startsWith("hello")) {
            throw new KubernetesClientException("no answer");
          }
          return new Admission.Admitted();
        };
    cluster.apply("hello", HELLO);
    cluster.await("hello", "has a run", s -> s.newestRun().isPresent());
    var status = cluster.awaitReady("hello", "Unknown", "ReconcileFailed");
    assertThat(message(status)).contains("no answer", "tried again");
    assertThat(cluster.awaitEvents("ReconcileFailed")).hasSize(1);
    cluster.apply("other", OTHER);
    cluster.succeeds("other", 1);

    cluster.admission = Admission.ofEverything();
    cluster.succeeds("hello", 1);
    cluster.awaitReady("hello", "True", "Succeeded");
  }

  @Test
  void aRightThatTheOperatorLacksIsNoFaultOfTheBuild() {
    cluster.faults.fail(
        "POST .*/jobs", 403, "jobs.batch is forbidden: User \"k\" cannot create resource \"jobs\"");
    cluster.apply("hello", HELLO);
    var status = cluster.awaitReady("hello", "Unknown", "ReconcileFailed");
    assertThat(message(status)).contains("cannot create resource");
    cluster.faults.mend();
    cluster.succeeds("hello", 1);
  }

  @Test
  void aBuildThatIsSuspendedBeforeItsTurnHoldsNoSlot() {
    restartWith("maxConcurrentBuilds: 1");
    cluster.faults.fail("POST .*/jobs", 500, "the server is ill");
    cluster.apply("hello", HELLO);
    cluster.awaitEvents("ReconcileFailed");
    cluster.apply("hello", HELLO + "\nsuspend: true");
    cluster.awaitReady("hello", "Unknown", "Suspended");
    cluster.faults.mend();
    cluster.apply("other", OTHER);
    cluster.succeeds("other", 1);
  }

  @Test
  void runsAndJobsBeyondTheHistoryGo() {
    var spec = HELLO + "\nhistory: {successful: 1, failed: 1}";
    cluster.apply("hello", spec);
    cluster.succeeds("hello", 1);
    for (int run = 2; run <= 4; run++) {
      cluster.annotate("hello", "run " + run);
      cluster.succeeds("hello", run);
    }
    Awaitility.await().until(() -> cluster.jobs().size() == 1);
    assertThat(cluster.status("hello").allRuns())
        .extracting(ImageBuildStatus.Run::number)
        .containsExactly(4L);
    assertThat(Labels.number(cluster.jobs().getFirst(), Labels.RUN)).isEqualTo(4);
  }

  @Test
  void anInvalidSpecIsToldAndAMendedOneBuilt() {
    cluster.apply("hello", "target: x");
    var status = cluster.awaitFailed("hello", FailureReason.SpecInvalid);
    assertThat(message(status)).contains("spec.source is missing");
    assertThat(condition(status, "Stalled")).isEqualTo("True");
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 1);
  }

  @Test
  void anInvalidSpecEndsTheRunUnderWayAndTheOldSpecBuildsAnew() {
    cluster.apply("hello", HELLO);
    cluster.awaitJob("hello", 1);
    cluster.apply("hello", "target: x");
    cluster.awaitFailed("hello", FailureReason.SpecInvalid);
    Awaitility.await().until(() -> cluster.jobs().isEmpty());
    cluster.apply("hello", HELLO);
    cluster.succeeds("hello", 2);
  }

  @Test
  void ofASpecThatFailsTheMessageStaysWhenTheOperatorRestarts() {
    cluster.apply("hello", HELLO);
    cluster.fails("hello", 1, USER, failed(FailureReason.DockerfileInvalid, "line 3: FORM"));
    var before = cluster.awaitFailed("hello", FailureReason.DockerfileInvalid);
    restart();
    cluster.apply("other", OTHER);
    cluster.awaitJob("other", 1);
    assertThat(cluster.status("hello")).isEqualTo(before);
  }

  private static String condition(ImageBuildStatus status, String type) {
    return status.condition(type).orElseThrow().getStatus();
  }

  private static String message(ImageBuildStatus status) {
    return status.condition("Ready").orElseThrow().getMessage();
  }
}
