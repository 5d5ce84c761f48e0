package build.kiln.operator.imagebuild;

import static build.kiln.operator.imagebuild.TestCluster.failed;
import static build.kiln.operator.imagebuild.TestCluster.pushed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Cause;
import build.kiln.api.v1alpha1.ImageBuildStatus.Failure;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ImageBuildStatus.PlatformRun;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import build.kiln.api.v1alpha1.Isolation;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Blocker;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of what a pass decides. */
class DeciderTest {
  private static final Settings SETTINGS = TestCluster.settings("");
  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final String SPEC = "dockerfile: {inline: \"FROM scratch\"}";
  private static final String OTHER = "dockerfile: {inline: \"FROM other\"}";
  private static final String BIGGER = SPEC + "\nworkspace: {size: 20Gi}";
  private static final Observed NOTHING = new Observed(List.of(), null, null, null, null);
  private static final Reading WAITING = new Reading.Waiting(Optional.empty());
  private static final Reading BLOCKED =
      new Reading.Waiting(Optional.of(new Blocker(FailureReason.Unschedulable, "no node")));
  private static final Result GOOD =
      new Result.Success(pushed("r/x"), "r/x@" + TestCluster.DIGEST, TestCluster.DIGEST);

  static Stream<Arguments> rows() {
    return Stream.of(
        row("a new resource", build(SPEC, null), NOTHING, accept("Created", null, null)),
        row("a new one, suspended", build(suspended(SPEC), null), NOTHING, new Action.Suspend()),
        row(
            "an invalid one",
            build("target: x", null),
            NOTHING,
            new Action.Reject(Validation.problem(build("target: x", null)).orElse(""))),
        row("all is done", build(SPEC, succeeded()), NOTHING, new Action.Rest()),
        row(
            "the inputs changed",
            build(OTHER, succeeded()),
            NOTHING,
            accept("SpecChanged", hash(SPEC), hash(OTHER))),
        row(
            "the inputs changed, suspended",
            build(suspended(OTHER), succeeded()),
            NOTHING,
            new Action.Suspend()),
        row(
            "only the pod's shape changed after success",
            build(BIGGER, succeeded()),
            NOTHING,
            new Action.Rest()),
        row(
            "only the pod's shape changed after a failure",
            build(BIGGER, failedWith(FailureReason.DiskFull, null)),
            NOTHING,
            accept("PodChanged", podHash(SPEC), podHash(BIGGER))),
        row(
            "a build argument's value changed",
            build(SPEC, withArguments(Map.of("A", "1"))),
            valued(Map.of("A", "2")),
            accept("ArgumentChanged", hash(SPEC, Map.of("A", "1")), hash(SPEC, Map.of("A", "2")))),
        row(
            "a build argument's value is not known any more",
            build(SPEC, withArguments(Map.of("A", "1"))),
            NOTHING,
            new Action.Rest()),
        row(
            "the spec changed, and a build argument's value",
            build(OTHER, withArguments(Map.of("A", "1"))),
            valued(Map.of("A", "2")),
            accept("SpecChanged", hash(SPEC, Map.of("A", "1")), hash(OTHER, Map.of("A", "2")))),
        row(
            "a wish for a rebuild",
            rebuild(build(SPEC, succeeded()), "x"),
            NOTHING,
            accept("Rebuild", null, "x")),
        row(
            "a wish that was handled",
            rebuild(build(SPEC, handled("x")), "x"),
            NOTHING,
            new Action.Rest()),
        row(
            "a permanent failure",
            build(SPEC, failedWith(FailureReason.StepFailed, null)),
            NOTHING,
            new Action.Rest()),
        row(
            "a failure that may pass, before its time",
            build(SPEC, failedWith(FailureReason.RegistryUnavailable, "2026-01-01T11:58:00Z")),
            NOTHING,
            new Action.AwaitRetry(Instant.parse("2026-01-01T12:03:00Z"))),
        row(
            "a failure that may pass, at its time",
            build(SPEC, failedWith(FailureReason.RegistryUnavailable, "2026-01-01T11:55:00Z")),
            NOTHING,
            accept("Retry", "RegistryUnavailable", "1")),
        row(
            "a source that was missing",
            build(SPEC, failedWith(FailureReason.SourceNotFound, "2026-01-01T11:59:39Z")),
            NOTHING,
            accept("Retry", "SourceNotFound", "1")),
        row(
            "a pod that had no room within the timeout",
            build(SPEC, failedWith(FailureReason.Unschedulable, "2026-01-01T11:59:39Z")),
            NOTHING,
            accept("Retry", "Unschedulable", "1")),
        row(
            "a failure that may pass, suspended",
            build(
                suspended(SPEC),
                failedWith(FailureReason.RegistryUnavailable, "2026-01-01T11:00:00Z")),
            NOTHING,
            new Action.Rest()),
        row(
            "a run that gave way to an invalid spec, mended",
            build(SPEC, failedWith(FailureReason.Superseded, null)),
            NOTHING,
            accept("SpecChanged", hash(SPEC), hash(SPEC))),
        row(
            "accepted, may start",
            build(SPEC, underWay(null)),
            ready(new Readiness.Go(Isolation.Namespaces, "", SecretFiles.NONE)),
            new Action.Start(1, Isolation.Namespaces, "", SecretFiles.NONE, Map.of())),
        row(
            "accepted, something is missing",
            build(SPEC, underWay(null)),
            ready(new Readiness.Missing(FailureReason.SecretNotFound, "s")),
            new Action.Block(FailureReason.SecretNotFound, "s")),
        row(
            "accepted, others are before it",
            build(SPEC, underWay(null)),
            ready(new Readiness.Queued(3)),
            new Action.Queue(3)),
        row(
            "accepted, an old pod still runs",
            build(SPEC, underWay(null)),
            ready(new Readiness.OldPodRuns("old")),
            new Action.Settle("old")),
        row(
            "accepted, then suspended",
            build(suspended(SPEC), underWay(null)),
            NOTHING,
            new Action.Suspend()),
        row(
            "accepted, then changed",
            build(OTHER, underWay(null)),
            NOTHING,
            accept("SpecChanged", hash(SPEC), hash(OTHER))),
        row(
            "blocked before it has a Job, the pod's shape changed",
            build(BIGGER, blocked()),
            ready(new Readiness.Missing(FailureReason.PodRefused, "p")),
            accept("PodChanged", podHash(SPEC), podHash(BIGGER))),
        row(
            "its Job waits for a pod",
            build(SPEC, underWay("j")),
            read(WAITING, 1, Isolation.Namespaces),
            new Action.Watch(WAITING)),
        row(
            "it runs",
            build(SPEC, underWay("j")),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            new Action.Watch(new Reading.Running("p"))),
        row(
            "it runs, the pod's shape changed",
            build(BIGGER, underWay("j")),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            new Action.Watch(new Reading.Running("p"))),
        row(
            "its pod is blocked, the pod's shape changed",
            build(BIGGER, underWay("j")),
            read(BLOCKED, 1, Isolation.Namespaces),
            accept("PodChanged", podHash(SPEC), podHash(BIGGER))),
        row(
            "it runs, the inputs changed",
            build(OTHER, underWay("j")),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            accept("SpecChanged", hash(SPEC), hash(OTHER))),
        row(
            "it runs, a rebuild is wished",
            rebuild(build(SPEC, underWay("j")), "x"),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            new Action.Watch(new Reading.Running("p"))),
        row(
            "it runs, suspended and changed",
            build(suspended(OTHER), underWay("j")),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            new Action.Watch(new Reading.Running("p"))),
        row(
            "it ended",
            build(SPEC, underWay("j")),
            read(new Reading.Ended(GOOD, "p"), 1, Isolation.Namespaces),
            new Action.Finish(GOOD)),
        row(
            "its Job, not yet on the status, ended",
            build(SPEC, underWay(null)),
            read(new Reading.Ended(GOOD, "p"), 1, Isolation.Namespaces),
            new Action.Finish(GOOD)),
        row(
            "its Job is gone",
            build(SPEC, underWay("j")),
            NOTHING,
            new Action.Finish(
                new Result.Failure(
                    FailureReason.Infrastructure, "Job j was deleted before its result was read"))),
        row(
            "the sandbox did not start, a weaker tier may",
            build(SPEC, underWay("j")),
            new Observed(
                List.of(attempt(1, Isolation.Namespaces)),
                new Reading.SandboxFailed("no"),
                null,
                null,
                new Readiness.Go(Isolation.Chroot, "note", SecretFiles.NONE)),
            new Action.Start(2, Isolation.Chroot, "note", SecretFiles.NONE, Map.of())),
        row(
            "the sandbox did not start, no weaker tier",
            build(SPEC, underWay("j")),
            new Observed(
                List.of(attempt(1, Isolation.Namespaces)),
                new Reading.SandboxFailed("no"),
                null,
                null,
                new Readiness.NoTierLeft("none")),
            new Action.Finish(new Result.Failure(FailureReason.IsolationUnavailable, "none"))),
        row(
            "the sandbox of a named tier did not start",
            build(
                SPEC + "\nisolation: Namespaces", underWay("j", SPEC + "\nisolation: Namespaces")),
            read(new Reading.SandboxFailed("no"), 1, Isolation.Namespaces),
            new Action.Finish(
                new Result.Failure(
                    FailureReason.IsolationUnavailable,
                    "isolation Namespaces cannot be had here: no. Choose another spec.isolation, or nodes that allow it with podTemplate.nodeSelector"))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void decides(String name, ImageBuild build, Observed observed, Action expected) {
    assertThat(Decider.decide(build, observed, SETTINGS, NOW).action()).isEqualTo(expected);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("rows")
  void isTheSameWhenAskedAgain(String name, ImageBuild build, Observed observed, Action expected) {
    assertThat(Decider.decide(build, observed, SETTINGS, NOW))
        .isEqualTo(Decider.decide(build, observed, SETTINGS, NOW));
  }

  @Test
  void theJobOfARunThatGivesWayIsDeleted() {
    var decision =
        Decider.decide(
            build(OTHER, underWay("j")),
            read(new Reading.Running("p"), 1, Isolation.Namespaces),
            SETTINGS,
            NOW);
    assertThat(decision.delete()).containsExactly("job-2-1");
  }

  @Test
  void aJobOfARunThatThisStatusDoesNotKnowIsLeftAlone() {
    var decision =
        Decider.decide(
            build(SPEC, succeeded()),
            new Observed(List.of(attempt(9, 1, Isolation.Chroot, true)), null, null, null, null),
            SETTINGS,
            NOW);
    assertThat(decision.delete()).isEmpty();
    assertThat(decision.seal()).isEmpty();
  }

  @Test
  void theJobOfARecordedResultMayExpireAndOneThatStillRunsGoes() {
    var decision =
        Decider.decide(
            build(SPEC, succeeded()),
            new Observed(
                List.of(
                    attempt(2, 2, Isolation.Chroot, true),
                    attempt(2, 1, Isolation.Namespaces, false),
                    attempt(1, 1, Isolation.Namespaces, true)),
                null,
                null,
                null,
                null),
            SETTINGS,
            NOW);
    assertThat(decision.seal()).containsExactly("job-2-2");
    // The first run is not on the status any more.
    assertThat(decision.delete()).containsExactly("job-2-1", "job-1-1");
  }

  private static Arguments row(String name, ImageBuild build, Observed observed, Action expected) {
    return arguments(name, build, observed, expected);
  }

  private static Action accept(String type, @Nullable String from, @Nullable String to) {
    return new Action.Accept(new Cause(type, from, to));
  }

  private static Observed ready(Readiness readiness) {
    return new Observed(List.of(), null, null, null, readiness);
  }

  private static Observed read(Reading reading, int attempt, Isolation tier) {
    return new Observed(List.of(attempt(attempt, tier)), reading, null, null, null);
  }

  private static Attempt attempt(int number, Isolation tier) {
    return attempt(2, number, tier, false);
  }

  private static Attempt attempt(long run, int number, Isolation tier, boolean ended) {
    var job =
        new JobBuilder()
            .withNewMetadata()
            .withName("job-%d-%d".formatted(run, number))
            .addToLabels(Labels.RUN, String.valueOf(run))
            .addToLabels(Labels.ATTEMPT, String.valueOf(number))
            .addToLabels(BuildLabels.TIER, tier.name())
            .endMetadata()
            .withNewSpec()
            .endSpec()
            .withNewStatus()
            .endStatus()
            .build();
    if (ended) {
      job =
          new JobBuilder(job)
              .editStatus()
              .addNewCondition()
              .withType("Complete")
              .withStatus("True")
              .endCondition()
              .endStatus()
              .build();
    }
    return new Attempt(job, List.of());
  }

  private static ImageBuild build(String spec, @Nullable ImageBuildStatus status) {
    var build = TestCluster.build("hello", spec);
    build.setStatus(status);
    return build;
  }

  private static ImageBuild rebuild(ImageBuild build, String wish) {
    build.getMetadata().setAnnotations(Map.of(ImageBuild.REBUILD_ANNOTATION, wish));
    return build;
  }

  private static String suspended(String spec) {
    return spec + "\nsuspend: true";
  }

  private static ImageBuildStatus succeeded() {
    return status(null, run(SPEC, Phase.Succeeded, null, null, null), false);
  }

  /** ConfigMaps are not watched. */
  @Test
  void argumentsThatAreElsewhereAreLookedAtNowAndThen() {
    var spec = SPEC + "\nbuildArgs: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: k}}}]";
    var status = status(null, run(spec, Phase.Succeeded, null, null, null), false);

    assertThat(
            Decider.decide(build(spec, status), NOTHING, TestCluster.settings(""), NOW).recheck())
        .isEqualTo(Duration.ofMinutes(1));
    assertThat(
            Decider.decide(build(SPEC, succeeded()), NOTHING, TestCluster.settings(""), NOW)
                .recheck())
        .isNull();
  }

  private static ImageBuildStatus withArguments(Map<String, String> values) {
    var status = succeeded();
    return new ImageBuildStatus(
        1L, null, hash(SPEC, values), null, null, null, status.runs(), status.conditions());
  }

  private static Observed valued(Map<String, String> values) {
    return new Observed(List.of(), null, null, null, null, values);
  }

  private static String hash(String spec, Map<String, String> values) {
    return Inputs.inputsHash(TestCluster.build("hello", spec).getSpec(), values);
  }

  private static ImageBuildStatus handled(String wish) {
    return status(wish, run(SPEC, Phase.Succeeded, null, null, null), false);
  }

  private static ImageBuildStatus failedWith(FailureReason reason, @Nullable String at) {
    return status(null, run(SPEC, Phase.Failed, null, at, reason), false);
  }

  private static ImageBuildStatus underWay(@Nullable String job) {
    return underWay(job, SPEC);
  }

  private static ImageBuildStatus underWay(@Nullable String job, String spec) {
    return status(null, run(spec, Phase.Pending, job, null, null), false);
  }

  private static ImageBuildStatus blocked() {
    return status(null, run(SPEC, Phase.Pending, null, null, null), true);
  }

  private static ImageBuildStatus status(@Nullable String handled, Run run, boolean blocked) {
    var ready = new ConditionBuilder().withType("Ready").withStatus(blocked ? "False" : "Unknown");
    return new ImageBuildStatus(
        1L, null, run.inputsHash(), handled, null, null, List.of(run), List.of(ready.build()));
  }

  private static Run run(
      String spec,
      Phase phase,
      @Nullable String job,
      @Nullable String ended,
      @Nullable FailureReason reason) {
    return new Run(
        2,
        null,
        hash(spec),
        podHash(spec),
        null,
        phase,
        "2026-01-01T11:00:00Z",
        ended,
        job == null ? null : List.of(new PlatformRun(null, job, null, null, null, null)),
        null,
        null,
        reason == null
            ? null
            : new Failure(reason, null, null, failed(reason, "m").message(), null));
  }

  private static String hash(String spec) {
    return Inputs.inputsHash(TestCluster.build("hello", spec).getSpec());
  }

  private static String podHash(String spec) {
    return Inputs.podHash(TestCluster.build("hello", spec).getSpec());
  }
}
