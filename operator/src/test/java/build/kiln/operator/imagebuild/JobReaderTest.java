package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.failed;
import static build.kiln.operator.imagebuild.TestCluster.pushed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.work.Outcome;
import build.kiln.api.work.Records;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Blocker;
import build.kiln.operator.job.EventNote;
import build.kiln.operator.job.JobReader;
import build.kiln.operator.job.Labels;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What pods and Jobs, as a cluster shows them, are read as. */
class JobReaderTest {
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final Duration GRACE = Duration.ofSeconds(20);
  private static final String COMPLETE = "{type: Complete, status: \"True\"}";
  private static final String FAILED =
      "{type: Failed, status: \"True\", reason: PodFailurePolicy, message: m}";
  private static final String EXHAUSTED =
      "{type: Failed, status: \"True\", reason: BackoffLimitExceeded, message: m}";
  private static final String USER_NAMESPACES =
      "failed to create containerd task: runc does not support user namespaces on this kernel";

  /** Ends of pods, with the reason that they come to and words of its message. */
  static Stream<Arguments> ends() {
    return Stream.of(
        end(
            "the builder's own words",
            exit(1, said("StepFailed", "RUN exited 7")),
            "StepFailed",
            "RUN exited 7"),
        end(
            "a retryable one",
            exit(5, said("RegistryUnavailable", "503")),
            "RegistryUnavailable",
            "503"),
        end(
            "killed for memory",
            exit(137, "", "OOMKilled"),
            "OutOfMemory",
            "memory limit of 512Mi"),
        end(
            "a step killed for memory while the builder lived on",
            exit(1, said("StepFailed", "exit code 137"), "OOMKilled"),
            "OutOfMemory",
            "512Mi"),
        end("a heap that was too small", exit(3, ""), "OutOfMemory", "memory limit of 512Mi"),
        end(
            "out of memory but for the heap",
            exit(3, said("OutOfMemory", "direct buffers")),
            "OutOfMemory",
            "memory limit of 512Mi"),
        end("broken without a word", exit(5, ""), "Infrastructure", "exit code 5"),
        end("killed for another reason", exit(137, ""), "Infrastructure", "exit code 137"),
        end("ended without a word", exit(1, ""), "Infrastructure", "left no result"),
        end(
            "garbage for a word",
            exit(1, "{\"succeeded\":fal"),
            "Infrastructure",
            "left no result"),
        end(
            "a reason of a newer release",
            exit(1, "{\"succeeded\":false,\"reason\":\"Later\",\"message\":\"m\"}"),
            "Infrastructure",
            "left no result"),
        end("an order not understood", exit(2, ""), "SpecInvalid", "operator's release"),
        end(
            "success said, failure shown",
            exit(1, Records.outcome(pushed("r/x"))),
            "Infrastructure",
            "exit code 1"),
        end(
            "success without an image",
            exit(0, "{\"succeeded\":true}"),
            "Infrastructure",
            "names no image"),
        end(
            "success with a digest that is none",
            exit(0, "{\"succeeded\":true,\"image\":\"r/x@sha256:1\",\"digest\":\"sha256:1\"}"),
            "Infrastructure",
            "names no image"),
        end(
            "failure said, success shown",
            exit(0, said("StepFailed", "m")),
            "Infrastructure",
            "names no image"),
        end(
            "evicted for its workspace",
            evicted("Usage of EmptyDir volume \"workspace\" exceeds the limit \"1Gi\". "),
            "DiskFull",
            "workspace.size"),
        end(
            "evicted for ephemeral storage",
            evicted("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."),
            "DiskFull",
            "limits.ephemeral-storage"),
        end("lost with its node", "phase: Failed\nreason: NodeLost", "Infrastructure", "NodeLost"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ends")
  void readsEnds(String name, String podStatus, FailureReason reason, String words) {
    var complete = podStatus.contains("phase: Succeeded");
    var reading = read(job(complete ? COMPLETE : FAILED), pod("Namespaces", podStatus), List.of());
    assertThat(reading).isInstanceOf(Reading.Ended.class);
    var result = ((Reading.Ended) reading).result();
    assertThat(result).isInstanceOf(Result.Failure.class);
    assertThat(((Result.Failure) result).reason()).isEqualTo(reason);
    assertThat(((Result.Failure) result).message()).contains(words);
  }

  /** Last pods of Jobs whose retries were used up by disruptions, which are counted. */
  static Stream<Arguments> disruptions() {
    return Stream.of(
        end(
            "evicted for the node's memory",
            disrupted(evicted("The node was low on resource: memory. "), "TerminationByKubelet"),
            "Infrastructure",
            "low on resource: memory"),
        end(
            "evicted for the node's disk",
            disrupted(
                evicted(
                    "The node was low on resource: ephemeral-storage. Container builder was using 30Gi, request is 0, has larger consumption of ephemeral-storage. "),
                "TerminationByKubelet"),
            "DiskFull",
            "requests.ephemeral-storage"),
        end(
            "evicted for the node's inodes",
            disrupted(evicted("The node was low on resource: inodes. "), "TerminationByKubelet"),
            "DiskFull",
            "low on resource: inodes"),
        end(
            "drained, with the builder's own words",
            disrupted(exit(5, said("Infrastructure", "told to stop")), "EvictionByEvictionAPI"),
            "Infrastructure",
            "told to stop"),
        end(
            "drained before it could say a word",
            disrupted(exit(137, ""), "EvictionByEvictionAPI"),
            "Infrastructure",
            "EvictionByEvictionAPI"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("disruptions")
  void readsDisruptions(String name, String podStatus, FailureReason reason, String words) {
    var pod = pod("Namespaces", podStatus);
    assertThat(read(job(""), pod, List.of())).isEqualTo(new Reading.Waiting(Optional.empty()));
    var reading = read(job(EXHAUSTED), pod, List.of());
    var result = ((Reading.Ended) reading).result();
    assertThat(((Result.Failure) result).reason()).isEqualTo(reason);
    assertThat(((Result.Failure) result).message()).contains(words);
  }

  @Test
  void readsSuccess() {
    var outcome = pushed("r.example.com/x");
    var reading =
        read(job(COMPLETE), pod("Namespaces", exit(0, Records.outcome(outcome))), List.of());
    assertThat(reading)
        .isEqualTo(
            new Reading.Ended(
                new Result.Success(
                    outcome, "r.example.com/x@" + TestCluster.DIGEST, TestCluster.DIGEST),
                "pod"));
  }

  @Test
  void aChildKilledForMemoryIsForgivenIfTheBuildSucceeded() {
    var status = exit(0, Records.outcome(pushed("r/x")), "OOMKilled");
    var reading = read(job(COMPLETE), pod("Namespaces", status), List.of());
    assertThat(((Reading.Ended) reading).result()).isInstanceOf(Result.Success.class);
  }

  @Test
  void aSandboxThatDoesNotStartIsNoEnd() {
    var status = exit(4, Records.outcome(failed(FailureReason.IsolationUnavailable, "EPERM")));
    assertThat(read(job(FAILED), pod("Namespaces", status), List.of()))
        .isEqualTo(new Reading.SandboxFailed("EPERM"));
  }

  /** What keeps pods from running, with the reason, or none. */
  static Stream<Arguments> blockers() {
    return Stream.of(
        block("just made", pending("11:59:50", ""), List.of(), null),
        block(
            "no node, for long",
            pending("11:59:00", condition("11:59:00")),
            List.of(),
            "Unschedulable"),
        block(
            "no node, since a moment", pending("11:59:55", condition("11:59:55")), List.of(), null),
        block(
            "the image cannot be pulled",
            pending("11:59:00", waiting("ImagePullBackOff", "not found")),
            List.of(),
            "BuilderImageUnavailable"),
        block(
            "the image is being tried",
            pending("11:59:55", waiting("ErrImagePull", "EOF")),
            List.of(),
            null),
        block(
            "the image has no name",
            pending("11:59:59", waiting("InvalidImageName", "bad")),
            List.of(),
            "BuilderImageUnavailable"),
        block(
            "a Secret is gone",
            pending("11:59:59", waiting("CreateContainerConfigError", "secret \"x\" not found")),
            List.of(),
            "SecretNotFound"),
        block(
            "the pod is against the node's rules",
            pending(
                "11:59:59",
                waiting(
                    "CreateContainerConfigError",
                    "container has runAsNonRoot and image will run as root")),
            List.of(),
            "PodRefused"),
        block(
            "a Secret went before it was mounted",
            pending("11:59:00", waiting("ContainerCreating", "")),
            List.of(
                new EventNote("FailedMount", "MountVolume.SetUp failed: secret \"x\" not found")),
            "SecretNotFound"),
        block(
            "a Secret lost a key before it was mounted",
            pending("11:59:00", waiting("ContainerCreating", "")),
            List.of(
                new EventNote(
                    "FailedMount",
                    "MountVolume.SetUp failed for volume \"secrets\" : references non-existent secret key: password")),
            "SecretNotFound"),
        block(
            "a ConfigMap lost a key before it was mounted",
            pending("11:59:00", waiting("ContainerCreating", "")),
            List.of(
                new EventNote(
                    "FailedMount",
                    "MountVolume.SetUp failed for volume \"source\" : configmap references non-existent config key: Dockerfile")),
            "SourceNotFound"),
        block(
            "a Secret has no such key",
            pending(
                "11:59:59",
                waiting(
                    "CreateContainerConfigError", "couldn''t find key password in Secret shop/x")),
            List.of(),
            "SecretNotFound"),
        block(
            "the node has not what is to be mounted",
            pending("11:59:00", waiting("ContainerCreating", "")),
            List.of(
                new EventNote(
                    "FailedMount",
                    "MountVolume.SetUp failed for volume \"cri\" : hostPath type check failed: /run/cri.sock is not a socket file")),
            "Infrastructure"),
        block(
            "the node's network is broken",
            pending("11:59:00", waiting("ContainerCreating", "")),
            List.of(new EventNote("FailedCreatePodSandBox", "cni plugin not initialized")),
            "Infrastructure"),
        block("it makes its next attempt", exit(5, ""), List.of(), null),
        block(
            "its next attempt is refused",
            exit(5, ""),
            List.of(
                new EventNote("SuccessfulCreate", "Created pod: a"),
                new EventNote("FailedCreate", "Error creating: pods \"b\": exceeded quota: q")),
            "QuotaExceeded"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("blockers")
  void readsBlockers(
      String name, String podStatus, List<EventNote> events, @Nullable FailureReason reason) {
    var reading = read(job(""), pod("Namespaces", podStatus), events);
    assertThat(reading).isInstanceOf(Reading.Waiting.class);
    assertThat(((Reading.Waiting) reading).blocker().map(Blocker::reason))
        .isEqualTo(Optional.ofNullable(reason));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Namespaces", "Chroot"})
  void aNodeWithoutUserNamespacesFailsOnlyTheTierThatNeedsThem(String tier) {
    var reading =
        read(
            job(""),
            pod(tier, pending("11:59:00", waiting("CreateContainerError", USER_NAMESPACES))),
            List.of());
    if (tier.equals("Namespaces")) {
      assertThat(reading).isInstanceOf(Reading.SandboxFailed.class);
    } else {
      assertThat(reading).isInstanceOf(Reading.Waiting.class);
    }
  }

  /** Events of a Job without a pod. */
  static Stream<Arguments> refusals() {
    return Stream.of(
        arguments(
            "Error creating: pods \"x\" is forbidden: exceeded quota: q, requested: pods=1",
            "QuotaExceeded"),
        arguments(
            "Error creating: pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"",
            "PodRefused"),
        arguments(
            "Error creating: pods \"x\" is forbidden: error looking up service account a/b",
            "PodRefused"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void readsRefusals(String message, FailureReason reason) {
    var reading = read(job(""), null, List.of(new EventNote("FailedCreate", message)));
    assertThat(reading).isInstanceOf(Reading.Waiting.class);
    var blocker = ((Reading.Waiting) reading).blocker().orElseThrow();
    assertThat(blocker.reason()).isEqualTo(reason);
    assertThat(blocker.message()).contains(message);
  }

  @Test
  void aDeadlineIsOfTheRunOrOfWhatKeptItsPod() {
    var job = job("{type: Failed, status: \"True\", reason: DeadlineExceeded}");
    var plain = read(job, null, List.of());
    assertThat(((Result.Failure) ((Reading.Ended) plain).result()).reason())
        .isEqualTo(FailureReason.DeadlineExceeded);
    var known = Optional.of(new Blocker(FailureReason.Unschedulable, "no node"));
    var kept = read(attempt(job, null), List.of(), known);
    assertThat(((Result.Failure) ((Reading.Ended) kept).result()).reason())
        .isEqualTo(FailureReason.Unschedulable);
  }

  @Test
  void anEndWithoutAPodIsInfrastructure() {
    var reading = read(job(FAILED), null, List.of());
    assertThat(((Result.Failure) ((Reading.Ended) reading).result()).reason())
        .isEqualTo(FailureReason.Infrastructure);
  }

  private static Reading read(Job job, @Nullable Pod pod, List<EventNote> events) {
    return read(attempt(job, pod), events, Optional.empty());
  }

  private static Reading read(Attempt attempt, List<EventNote> events, Optional<Blocker> known) {
    return BuildReader.read(
        JobReader.read(attempt, events, known, NOW, GRACE),
        BuildLabels.tier(attempt.job()).orElseThrow());
  }

  private static Attempt attempt(Job job, @Nullable Pod pod) {
    var tier = pod == null ? "Namespaces" : Labels.label(pod, BuildLabels.TIER);
    job.getMetadata().getLabels().put(BuildLabels.TIER, tier);
    return new Attempt(job, pod == null ? List.of() : List.of(pod));
  }

  private static Arguments end(String name, String podStatus, String reason, String words) {
    return arguments(name, podStatus, FailureReason.valueOf(reason), words);
  }

  private static Arguments block(
      String name, String podStatus, List<EventNote> events, @Nullable String reason) {
    return arguments(
        name, podStatus, events, reason == null ? null : FailureReason.valueOf(reason));
  }

  private static String said(String reason, String message) {
    Outcome outcome = failed(FailureReason.valueOf(reason), message);
    return Records.outcome(outcome);
  }

  private static String exit(int code, String message) {
    return exit(code, message, code == 0 ? "Completed" : "Error");
  }

  private static String exit(int code, String message, String reason) {
    return """
    phase: %s
    containerStatuses:
    - name: builder
      state:
        terminated:
          exitCode: %d
          reason: %s
          message: '%s'
    """
        .formatted(code == 0 ? "Succeeded" : "Failed", code, reason, message.replace("'", "''"));
  }

  private static String evicted(String message) {
    return exit(137, "")
        .replace("phase: Failed", "phase: Failed\nreason: Evicted\nmessage: '%s'")
        .formatted(message);
  }

  private static String disrupted(String podStatus, String reason) {
    return podStatus
        + "conditions: [{type: DisruptionTarget, status: \"True\", reason: %s, message: m}]\n"
            .formatted(reason);
  }

  private static String pending(String since, String more) {
    return "created: " + since + "\nphase: Pending\n" + more;
  }

  private static String waiting(String reason, String message) {
    return """
    containerStatuses:
    - name: builder
      state:
        waiting: {reason: %s, message: '%s'}
    """
        .formatted(reason, message);
  }

  private static String condition(String since) {
    return """
    conditions:
    - {type: PodScheduled, status: "False", reason: Unschedulable, message: no node, lastTransitionTime: "2026-01-01T%sZ"}
    """
        .formatted(since);
  }

  private static Pod pod(String tier, String status) {
    var created = "11:59:59";
    var text = status;
    if (status.startsWith("created: ")) {
      created = status.substring(9, 17);
      text = status.substring(18);
    }
    return Serialization.unmarshal(
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: pod
          creationTimestamp: "2026-01-01T%sZ"
          labels: {kiln.build/isolation: %s}
        spec:
          containers:
          - name: builder
            image: kiln/builder
            resources: {limits: {memory: 512Mi}}
        status:
        """
                .formatted(created, tier)
            + text.indent(2),
        Pod.class);
  }

  private static Job job(String condition) {
    return Serialization.unmarshal(
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: job, labels: {kiln.build/run: "1", kiln.build/attempt: "1"}}
        spec: {activeDeadlineSeconds: 3600}
        status: {conditions: [%s]}
        """
            .formatted(condition),
        Job.class);
  }
}
