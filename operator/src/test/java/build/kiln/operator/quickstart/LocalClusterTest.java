package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs as the operator makes them, with a shell script as the builder. */
class LocalClusterTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir private Path folder;
  private final List<String> printed = new CopyOnWriteArrayList<>();
  private LocalCluster cluster;
  private KubernetesClient client;
  private Path script;

  @BeforeEach
  void start() throws IOException {
    script = folder.resolve("builder.sh");
    cluster =
        LocalCluster.start(
            new BuilderProgram(
                List.of("/bin/sh", script.toString()), Path.of(System.getProperty("java.home"))),
            folder.resolve("cluster"),
            Duration.ofMillis(50),
            (pod, line) -> printed.add(line));
    client = cluster.client();
    client
        .configMaps()
        .inNamespace("default")
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("hello-1")
                .endMetadata()
                .addToData("order.json", "the order")
                .build())
        .create();
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void completesAJobWhoseBuilderSucceeds() throws IOException {
    builder(
        """
        echo "arguments $*"
        cat "$3"
        while [ $# -gt 0 ]; do [ "$1" = --termination-log ] && printf 'the outcome' > "$2"; shift; done
        """);
    var job = create(600, 2);

    assertThat(awaitEnd(job).getType()).isEqualTo("Complete");
    var pod = onlyPod();
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    assertThat(pod.getMetadata().getName()).matches("hello-1-[a-z0-9]{5}");
    assertThat(pod.getMetadata().getLabels()).containsEntry("kiln.build/run", "1");
    assertThat(pod.getMetadata().getOwnerReferences())
        .extracting(OwnerReference::getUid)
        .containsExactly(job.getMetadata().getUid());
    var end = terminated(pod);
    assertThat(end.getExitCode()).isZero();
    assertThat(end.getReason()).isEqualTo("Completed");
    assertThat(end.getMessage()).isEqualTo("the outcome");
    assertThat(job(job).getStatus().getSucceeded()).isEqualTo(1);
    assertThat(job(job).getStatus().getActive()).isZero();
    assertThat(printed)
        .anySatisfy(
            line ->
                assertThat(line)
                    .startsWith("arguments run -f " + folder)
                    .contains("/kiln/work/order.json --secrets-dir "));
    assertThat(printed).contains("the order");
  }

  @Test
  void servesTheLogAsTheApiServerDoes() throws IOException {
    builder("for i in 1 2 3 4 5; do echo line $i; done");
    awaitEnd(create(600, 2));

    var pod = client.pods().inNamespace("default").withName(onlyPod().getMetadata().getName());
    assertThat(pod.getLog()).isEqualTo("line 1\nline 2\nline 3\nline 4\nline 5\n");
    assertThat(pod.tailingLines(2).getLog()).isEqualTo("line 4\nline 5\n");
  }

  @Test
  void givesTheBuilderAnEnvironmentOfItsOwn() throws IOException {
    builder("env");
    awaitEnd(create(600, 2));

    assertThat(printed)
        .map(line -> line.substring(0, line.indexOf('=')))
        .containsOnlyOnce("PATH", "HOME", "JAVA_HOME", "GREETING")
        .allMatch(
            List.of("PATH", "HOME", "JAVA_HOME", "GREETING", "PWD", "SHLVL", "_", "OLDPWD")
                ::contains);
  }

  @Test
  void failsAtOnceWhereThePolicySaysSo() throws IOException {
    builder("exit 1");
    var job = create(600, 2);

    var end = awaitEnd(job);
    assertThat(end.getType()).isEqualTo("Failed");
    assertThat(end.getReason()).isEqualTo("PodFailurePolicy");
    assertThat(end.getMessage())
        .contains("Container builder for pod default/hello-1-", "exit code 1", "index 1");
    assertThat(terminated(onlyPod()).getReason()).isEqualTo("Error");
    assertThat(job(job).getStatus().getFailed()).isEqualTo(1);
  }

  @Test
  void triesAgainWhatMayPass() throws IOException {
    var marker = folder.resolve("tried");
    builder("[ -e %1$s ] && exit 0; touch %1$s; exit 3".formatted(marker));
    var job = create(600, 2);

    assertThat(awaitEnd(job).getType()).isEqualTo("Complete");
    assertThat(pods())
        .extracting(pod -> terminated(pod).getExitCode())
        .containsExactlyInAnyOrder(3, 0);
  }

  @Test
  void givesUpAfterItsRetries() throws IOException {
    builder("exit 3");
    var job = create(600, 2);

    assertThat(awaitEnd(job).getReason()).isEqualTo("BackoffLimitExceeded");
    assertThat(pods()).hasSize(3);
  }

  @Test
  void stopsAtTheDeadlineAndKillsWhatRuns() throws IOException {
    var pid = sleeper();
    var job = create(1, 2);

    var end = awaitEnd(job);
    assertThat(end.getReason()).isEqualTo("DeadlineExceeded");
    awaitDead(pid);
    assertThat(pods()).isEmpty();
  }

  @Test
  void killsTheWholeGroupWhenTheJobIsDeleted() throws IOException {
    var pid = sleeper();
    var job = create(600, 2);
    await().atMost(LIMIT).until(() -> Files.exists(pid) && !Files.readString(pid).isBlank());

    client.resource(job).delete();

    awaitDead(pid);
    await().atMost(LIMIT).until(() -> pods().isEmpty());
    await().atMost(LIMIT).until(() -> isEmpty(folder.resolve("cluster/p")));
  }

  @Test
  void takesJobPodsAndOrderAwayWithTheImageBuild() throws IOException {
    var pid = sleeper();
    var build =
        client
            .resource(
                Serialization.unmarshal(
                    """
                    apiVersion: kiln.build/v1alpha1
                    kind: ImageBuild
                    metadata: {name: hello, namespace: default}
                    spec:
                      dockerfile: {inline: "FROM scratch"}
                      output: {image: "registry.example.com/hello"}
                    """,
                    ImageBuild.class))
            .create();
    var job = create(600, 2, owner("kiln.build/v1alpha1", "ImageBuild", build.getMetadata()));
    client
        .configMaps()
        .inNamespace("default")
        .withName("hello-1")
        .edit(
            map -> {
              map.getMetadata()
                  .setOwnerReferences(List.of(owner("batch/v1", "Job", job.getMetadata())));
              return map;
            });
    await().atMost(LIMIT).until(() -> Files.exists(pid) && !Files.readString(pid).isBlank());

    client.resource(build).delete();

    awaitDead(pid);
    await().atMost(LIMIT).until(() -> pods().isEmpty() && job(job) == null);
    await()
        .atMost(LIMIT)
        .until(() -> client.configMaps().inNamespace("default").withName("hello-1").get() == null);
  }

  @Test
  void saysInAnEventWhatAVolumeLacksAndPicksItUp() throws IOException {
    var order = client.configMaps().inNamespace("default").withName("hello-1").get();
    client.resource(order).delete();
    builder("cat \"$3\"");
    var job = create(600, 2);

    await()
        .atMost(LIMIT)
        .untilAsserted(
            () ->
                assertThat(client.v1().events().inNamespace("default").list().getItems())
                    .extracting(Event::getReason, Event::getMessage)
                    .contains(
                        org.assertj.core.groups.Tuple.tuple(
                            "FailedMount",
                            "MountVolume.SetUp failed: configmap \"hello-1\" not found")));
    order.getMetadata().setResourceVersion(null);
    client.resource(order).create();

    assertThat(awaitEnd(job).getType()).isEqualTo("Complete");
    assertThat(printed).contains("the order");
  }

  @Test
  void saysWhyABuilderDoesNotStart() throws IOException {
    builder("exit 0");
    var job =
        client
            .resource(
                manifest(600, 0)
                    .edit()
                    .editSpec()
                    .editTemplate()
                    .editSpec()
                    .editFirstContainer()
                    .withCommand("/no/such/program")
                    .endContainer()
                    .endSpec()
                    .endTemplate()
                    .endSpec()
                    .build())
            .create();

    assertThat(awaitEnd(job).getType()).isEqualTo("Failed");
    // setsid is there, so it is what cannot start the program.
    assertThat(printed).anyMatch(line -> line.contains("/no/such/program"));
  }

  @Test
  void forgetsAJobThatWasOverLongEnough() throws IOException {
    builder("exit 0");
    var job = create(600, 0);
    awaitEnd(job);

    client
        .batch()
        .v1()
        .jobs()
        .inNamespace("default")
        .withName("hello-1")
        .edit(
            found -> {
              found.getSpec().setTtlSecondsAfterFinished(0);
              return found;
            });

    await().atMost(LIMIT).until(() -> job(job) == null && pods().isEmpty());
  }

  /** A builder that starts something that would outlive it; gives the file with that one's pid. */
  private Path sleeper() throws IOException {
    var pid = folder.resolve("pid");
    builder("trap '' TERM; sleep 300 & echo $! > %s; wait; wait".formatted(pid));
    return pid;
  }

  private void awaitDead(Path pid) throws IOException {
    long number = Long.parseLong(Files.readString(pid).strip());
    await()
        .atMost(LIMIT)
        .until(() -> ProcessHandle.of(number).filter(ProcessHandle::isAlive).isEmpty());
  }

  private void builder(String text) throws IOException {
    Files.writeString(script, text);
  }

  private Job create(int deadline, int retries, OwnerReference... owners) {
    var job = manifest(deadline, retries);
    job.getMetadata().setOwnerReferences(List.of(owners));
    return client.resource(job).create();
  }

  /** What the operator makes, but for what only its own reading needs. */
  private static Job manifest(int deadline, int retries) {
    return Serialization.unmarshal(
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: hello-1, namespace: default}
        spec:
          backoffLimit: %d
          activeDeadlineSeconds: %d
          podFailurePolicy:
            rules:
            - {action: Ignore, onPodConditions: [{type: DisruptionTarget, status: "True"}]}
            - {action: FailJob, onExitCodes: {containerName: builder, operator: In, values: [1, 2, 4, 137]}}
          template:
            metadata: {labels: {kiln.build/run: "1"}}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 1
              volumes:
              - {name: work, configMap: {name: hello-1}}
              - {name: workspace, emptyDir: {}}
              containers:
              - name: builder
                image: kiln/builder
                args: [run, -f, /kiln/work/order.json]
                env: [{name: GREETING, value: hello}]
                terminationMessagePath: /dev/termination-log
                volumeMounts:
                - {name: work, mountPath: /kiln/work, readOnly: true}
                - {name: workspace, mountPath: /kiln/workspace}
        """
            .formatted(retries, deadline),
        Job.class);
  }

  private static OwnerReference owner(
      String version, String kind, io.fabric8.kubernetes.api.model.ObjectMeta meta) {
    return new OwnerReferenceBuilder()
        .withApiVersion(version)
        .withKind(kind)
        .withName(meta.getName())
        .withUid(meta.getUid())
        .withController(true)
        .build();
  }

  private JobCondition awaitEnd(Job job) {
    return await().atMost(LIMIT).until(() -> end(job), Optional::isPresent).orElseThrow();
  }

  private Optional<JobCondition> end(Job job) {
    return Optional.ofNullable(job(job))
        .map(Job::getStatus)
        .flatMap(status -> status.getConditions().stream().findFirst());
  }

  private Job job(Job job) {
    return client
        .batch()
        .v1()
        .jobs()
        .inNamespace("default")
        .withName(job.getMetadata().getName())
        .get();
  }

  private List<Pod> pods() {
    return client.pods().inNamespace("default").list().getItems();
  }

  private Pod onlyPod() {
    assertThat(pods()).hasSize(1);
    return pods().getFirst();
  }

  private static ContainerStateTerminated terminated(Pod pod) {
    return pod.getStatus().getContainerStatuses().getFirst().getState().getTerminated();
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.findAny().isEmpty();
    }
  }
}
