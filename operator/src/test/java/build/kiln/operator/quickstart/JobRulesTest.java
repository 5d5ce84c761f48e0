package build.kiln.operator.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.operator.quickstart.JobStep.End;
import build.kiln.operator.quickstart.JobStep.Expire;
import build.kiln.operator.quickstart.JobStep.MakePod;
import build.kiln.operator.quickstart.JobStep.Rest;
import build.kiln.operator.quickstart.JobStep.StopPods;
import build.kiln.operator.quickstart.JobStep.Wait;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class JobRulesTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant SOON = START.plusSeconds(5);
  private static final Instant DEADLINE = START.plusSeconds(100);

  private static final String DISRUPTED = "{type: DisruptionTarget, status: \"True\"}";

  static Stream<Arguments> cases() {
    return Stream.of(
        of("no pod yet", List.of(), SOON, new MakePod(SOON)),
        of("a pod at work", List.of(running()), SOON, new Wait(DEADLINE)),
        of(
            "success",
            List.of(failed(3), succeeded()),
            SOON,
            new End("Complete", "CompletionsReached", "Reached expected number of succeeded pods")),
        of("one failure", List.of(failed(3)), SOON, new MakePod(START.plusSeconds(1 + 10))),
        of(
            "two failures",
            List.of(failed(3), failed(3)),
            SOON,
            new MakePod(START.plusSeconds(1 + 20))),
        of(
            "more failures than retries",
            List.of(failed(3), failed(3), failed(3)),
            SOON,
            new End(
                "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        of(
            "a user's error",
            List.of(failed(1)),
            SOON,
            new End(
                "Failed",
                "PodFailurePolicy",
                "Container builder for pod default/p failed with exit code 1 matching FailJob rule at index 1")),
        of(
            "a killed builder",
            List.of(failed(137)),
            SOON,
            new End(
                "Failed",
                "PodFailurePolicy",
                "Container builder for pod default/p failed with exit code 137 matching FailJob rule at index 1")),
        of(
            "a disruption is no end, whatever the exit code",
            List.of(failed(137, DISRUPTED)),
            SOON,
            new MakePod(START.plusSeconds(1 + 10))),
        of(
            "more disruptions than retries",
            List.of(failed(137, DISRUPTED), failed(3, DISRUPTED), failed(3, DISRUPTED)),
            SOON,
            new End(
                "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        of("too late, at work", List.of(running()), DEADLINE, new StopPods(List.of("p"))),
        of(
            "too late, all gone",
            List.of(),
            DEADLINE,
            new End(
                "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void decides(String name, List<Pod> pods, Instant now, JobStep expected) {
    assertThat(rules().next(job("{startTime: \"%s\"}".formatted(START), ""), pods, now))
        .isEqualTo(expected);
  }

  @Test
  void whatIsIgnoredDoesNotCount() {
    var job = job("{startTime: \"%s\"}".formatted(START), "");
    job.getSpec().getPodFailurePolicy().getRules().getFirst().setAction("Ignore");
    var pods = List.of(failed(137, DISRUPTED), failed(3, DISRUPTED), failed(3, DISRUPTED));
    assertThat(rules().next(job, pods, SOON)).isEqualTo(new MakePod(SOON));
  }

  static Stream<Arguments> endings() {
    var over =
        "{startTime: \"%1$s\", conditions: [{type: Failed, status: \"True\", lastTransitionTime: \"%1$s\"}]}"
            .formatted(START);
    return Stream.of(
        Arguments.of("over for good", over, "", new Rest()),
        Arguments.of(
            "over for a while",
            over,
            "ttlSecondsAfterFinished: 60",
            new Expire(START.plusSeconds(60))),
        Arguments.of(
            "more than one pod",
            "{startTime: \"%s\"}".formatted(START),
            "parallelism: 2",
            new End("Failed", "NotSupported", "only Jobs of one pod run without a cluster")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("endings")
  void ends(String name, String status, String more, JobStep expected) {
    assertThat(rules().next(job(status, more), List.of(), SOON)).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("failures")
  void waitsAtMostTenMinutes(int failures) {
    var job = job("{startTime: \"%s\"}".formatted(START), "");
    job.getSpec().setBackoffLimit(failures);
    var pods = IntStream.range(0, failures).mapToObj(i -> failed(3)).toList();
    assertThat(rules().next(job, pods, SOON))
        .isEqualTo(new MakePod(START.plusSeconds(1).plus(Duration.ofMinutes(10))));
  }

  static IntStream failures() {
    return IntStream.of(7, 40, 80);
  }

  private static Arguments of(String name, List<Pod> pods, Instant now, JobStep expected) {
    return Arguments.of(name, pods, now, expected);
  }

  private static JobRules rules() {
    return new JobRules(LocalCluster.JOB_BACKOFF);
  }

  private static Job job(String status, String more) {
    return Serialization.unmarshal(
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: j, namespace: default}
        spec:
          backoffLimit: 2
          activeDeadlineSeconds: 100
          %s
          podFailurePolicy:
            rules:
            - {action: Count, onPodConditions: [{type: DisruptionTarget, status: "True"}]}
            - {action: FailJob, onExitCodes: {containerName: builder, operator: In, values: [1, 2, 4, 137]}}
        status: %s
        """
            .formatted(more, status),
        Job.class);
  }

  private static Pod running() {
    return pod("Running", "running: {}", "");
  }

  private static Pod succeeded() {
    return pod("Succeeded", ended(0), "");
  }

  private static Pod failed(int exitCode) {
    return failed(exitCode, "");
  }

  private static Pod failed(int exitCode, String condition) {
    return pod("Failed", ended(exitCode), condition);
  }

  private static String ended(int exitCode) {
    return "terminated: {exitCode: %d, finishedAt: \"%s\"}"
        .formatted(exitCode, START.plusSeconds(1));
  }

  private static Pod pod(String phase, String state, String condition) {
    return Serialization.unmarshal(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: p, namespace: default}
        spec: {containers: [{name: builder}]}
        status:
          phase: %s
          conditions: [%s]
          containerStatuses: [{name: builder, state: {%s}}]
        """
            .formatted(phase, condition, state),
        Pod.class);
  }
}
