package build.kiln.operator.scheduled;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.api.v1alpha1.ImageBuildSpec.History;
import build.kiln.api.v1alpha1.ImageBuildStatus.Phase;
import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.api.v1alpha1.ScheduledRun.Cause;
import build.kiln.operator.job.Attempt;
import build.kiln.operator.job.Blocker;
import build.kiln.operator.job.Labels;
import build.kiln.operator.job.SecretFiles;
import build.kiln.operator.settings.Settings;
import build.kiln.operator.testkit.ApiCluster;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is decided, and what the status says then. */
class DeciderTest {
  private static final Instant NOW = Instant.parse("2026-01-01T12:10:00Z");
  private static final Settings SETTINGS = ApiCluster.settings("");
  private static final Timing HOURLY = Timing.parse("@hourly", null, null);
  private static final Words WORDS =
      new Words("thing", "Thing", "Thing", "Working", "thing", "kiln-thing", "n", "w");
  private static final Observed<String> NOTHING = new Observed<>(List.of(), null, null, null, null);
  private static final RunResult FAILED = RunResult.failure("Denied", "no", null);

  private static ScheduledRun run(Phase phase, @Nullable String job) {
    return run(phase, job, null);
  }

  private static ScheduledRun run(Phase phase, @Nullable String job, @Nullable String retryTime) {
    boolean finished = phase.finished();
    return new ScheduledRun(
        4,
        Cause.Schedule,
        "spec",
        "pod",
        "secrets",
        phase,
        "2026-01-01T12:00:00Z",
        finished ? "2026-01-01T12:05:00Z" : null,
        job,
        null,
        retryTime,
        finished ? phase.name() : null,
        null);
  }

  private static Standing standing(@Nullable ScheduledRun run) {
    return new Standing(1L, "wish", "2026-01-01T13:00:00Z", run, null);
  }

  private static Subject subject(Standing before) {
    return new Subject(
        Optional.empty(),
        1L,
        false,
        HOURLY,
        "spec",
        "pod",
        "wish",
        new History(1, 1, "1h"),
        before);
  }

  private static Subject suspended(Subject of) {
    return new Subject(
        of.problem(),
        2L,
        true,
        of.timing(),
        of.specHash(),
        of.podHash(),
        of.wish(),
        of.history(),
        of.before());
  }

  private static Subject with(Subject of, String specHash, String podHash, String wish) {
    return new Subject(
        of.problem(),
        of.generation(),
        of.suspend(),
        of.timing(),
        specHash,
        podHash,
        wish,
        of.history(),
        of.before());
  }

  private static Observed<String> reading(Reading reading) {
    return new Observed<>(List.of(), reading, null, null, null);
  }

  private static Observed<String> ready(Readiness readiness) {
    return new Observed<>(List.of(), null, null, readiness, null);
  }

  private static Observed<String> secrets(String hash) {
    return new Observed<>(List.of(), null, null, null, hash);
  }

  static Stream<Arguments> decisions() {
    var none = subject(Standing.NONE);
    var done = subject(standing(run(Phase.Succeeded, "job")));
    var failed = subject(standing(run(Phase.Failed, "job")));
    var retries = subject(standing(run(Phase.Failed, "job", "2026-01-01T12:09:00Z")));
    var later = subject(standing(run(Phase.Failed, "job", "2026-01-01T12:20:00Z")));
    var pending = subject(standing(run(Phase.Pending, null)));
    var running = subject(standing(run(Phase.Running, "job")));
    var waiting = new Reading.Waiting(Optional.empty());
    var blocked = new Reading.Waiting(Optional.of(new Blocker(FailureReason.Unschedulable, "m")));
    return Stream.of(
        arguments("new", none, NOTHING, accept(Cause.Created)),
        arguments("new, suspended", suspended(none), NOTHING, new Action.Suspend()),
        arguments("done", done, NOTHING, new Action.Rest()),
        arguments("done, suspended", suspended(done), NOTHING, new Action.Rest()),
        arguments(
            "another spec", with(done, "other", "pod", "wish"), NOTHING, accept(Cause.SpecChanged)),
        arguments(
            "another wish", with(done, "spec", "pod", "new"), NOTHING, accept(Cause.Requested)),
        arguments("another pod", with(done, "spec", "other", "wish"), NOTHING, new Action.Rest()),
        arguments("failed", failed, secrets("secrets"), new Action.Rest()),
        arguments(
            "failed, another pod",
            with(failed, "spec", "other", "wish"),
            NOTHING,
            accept(Cause.PodChanged)),
        arguments("failed, other Secrets", failed, secrets("other"), accept(Cause.SecretChanged)),
        arguments(
            "failed, other Secrets, suspended",
            suspended(failed),
            secrets("other"),
            new Action.Suspend()),
        arguments("to be tried again", retries, NOTHING, accept(Cause.Retry)),
        arguments("to be tried again, suspended", suspended(retries), NOTHING, new Action.Rest()),
        arguments("to be tried again later", later, NOTHING, new Action.Rest()),
        arguments(
            "a Secret is missing",
            pending,
            ready(new Readiness.Missing("m")),
            new Action.Block(FailureReason.SecretNotFound, "m")),
        arguments(
            "an old pod", pending, ready(new Readiness.OldPodRuns("p")), new Action.Settle("p")),
        arguments("queued", pending, ready(new Readiness.Queued(3)), new Action.Queue(3)),
        arguments(
            "ready",
            pending,
            ready(new Readiness.Go(SecretFiles.NONE, "h")),
            new Action.Start(SecretFiles.NONE, "h")),
        arguments("not begun, suspended", suspended(pending), NOTHING, new Action.Suspend()),
        arguments(
            "not begun, another spec",
            with(pending, "other", "pod", "wish"),
            NOTHING,
            accept(Cause.SpecChanged)),
        arguments("waits", running, reading(waiting), new Action.Watch(waiting)),
        arguments(
            "blocked, another pod",
            with(running, "spec", "other", "wish"),
            reading(blocked),
            accept(Cause.PodChanged)),
        arguments(
            "runs, another pod",
            with(running, "spec", "other", "wish"),
            reading(new Reading.Running()),
            new Action.Watch(new Reading.Running())),
        arguments(
            "runs, another wish",
            with(running, "spec", "pod", "new"),
            reading(new Reading.Running()),
            new Action.Watch(new Reading.Running())),
        arguments(
            "runs, suspended, another spec",
            suspended(with(running, "other", "pod", "wish")),
            reading(new Reading.Running()),
            new Action.Watch(new Reading.Running())),
        arguments("ended", running, reading(new Reading.Ended(FAILED)), new Action.Finish(FAILED)),
        arguments(
            "invalid",
            Subject.invalid("wrong", 2L, standing(run(Phase.Running, "job"))),
            NOTHING,
            new Action.Reject("wrong")));
  }

  private static Action accept(Cause cause) {
    return new Action.Accept(cause);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("decisions")
  void decides(String name, Subject subject, Observed<String> observed, Action action) {
    assertThat(Decider.decide(subject, observed, SETTINGS, NOW).action()).isEqualTo(action);
  }

  @ParameterizedTest(name = "next told {0}, generation {1}: {2}")
  @CsvSource(
      nullValues = "-",
      value = {
        "2026-01-01T13:00:00Z, 1, false",
        "2026-01-01T12:10:00Z, 1, true",
        "2026-01-01T02:00:00Z, 1, true",
        // The time was another spec's.
        "2026-01-01T02:00:00Z, 2, false",
        // A clock that was ahead; a text that is none.
        "2036-01-01T02:00:00Z, 1, false",
        "soon, 1, false",
        "-, 1, false",
      })
  void isDueWhenItWasTold(@Nullable String next, long generation, boolean due) {
    var run = run(Phase.Succeeded, "job");
    var before = new Standing(1L, "wish", next, run, null);
    var subject =
        new Subject(
            Optional.empty(),
            generation,
            false,
            HOURLY,
            "spec",
            "pod",
            "wish",
            new History(1, 1, "1h"),
            before);
    assertThat(Decider.decide(subject, NOTHING, SETTINGS, NOW).action())
        .isEqualTo(due ? accept(Cause.Schedule) : new Action.Rest());
  }

  @Test
  void looksAgainWhenSomethingIsDue() {
    var done = subject(standing(run(Phase.Succeeded, "job")));
    assertThat(Decider.decide(done, NOTHING, SETTINGS, NOW).recheck())
        .isEqualTo(Duration.ofMinutes(50));
    var later = subject(standing(run(Phase.Failed, "job", "2026-01-01T12:20:00Z")));
    assertThat(Decider.decide(later, NOTHING, SETTINGS, NOW).recheck())
        .isEqualTo(Duration.ofMinutes(10));
    // Told by a clock that was ahead: not later than an hour, the longest wait.
    var ahead = subject(standing(run(Phase.Failed, "job", "2036-01-01T12:20:00Z")));
    assertThat(Decider.retry(ahead, SETTINGS, NOW)).contains(NOW.plus(Duration.ofHours(1)));
    assertThat(Decider.decide(suspended(done), NOTHING, SETTINGS, NOW).recheck()).isNull();
  }

  @ParameterizedTest(name = "{0} at {1}: {2}")
  @CsvSource({
    // Passed over, since a run is under way; else as it was told.
    "Running,   2026-01-01T13:30:00Z, 2026-01-01T14:00:00Z",
    "Running,   2026-01-01T12:30:00Z, 2026-01-01T13:00:00Z",
  })
  void tellsTheNextTime(Phase phase, String now, String next) {
    var before = subject(standing(run(phase, "job")));
    var action = new Action.Watch(new Reading.Running());
    var after = NextStatus.of(WORDS, before, NOTHING, action, "job", Instant.parse(now));
    assertThat(after.next()).isEqualTo(next);
  }

  @Test
  void whatFollowsAPodIsLookedAtAgainAndIsStillRunning() {
    var before = subject(standing(run(Phase.Pending, "job")));
    var following = new Reading.Following(() -> {}, Duration.ofSeconds(7));
    var observed = new Observed<String>(List.of(), following, null, null, null);

    var decision = Decider.decide(before, observed, SETTINGS, NOW);

    assertThat(decision.action()).isEqualTo(new Action.Watch(following));
    assertThat(decision.recheck()).isEqualTo(Duration.ofSeconds(7));
    var after = NextStatus.of(WORDS, before, observed, decision.action(), "job", NOW);
    assertThat(Objects.requireNonNull(after.run()).phase()).isEqualTo(Phase.Running);
    assertThat(Objects.requireNonNull(after.conditions()))
        .filteredOn(condition -> condition.getType().equals("Ready"))
        .singleElement()
        .satisfies(ready -> assertThat(ready.getReason()).isEqualTo("Working"));
  }

  @Test
  void tellsTheNextTimeFromTheEndOfARun() {
    var before = subject(standing(run(Phase.Running, "job")));
    var end = Instant.parse("2026-01-01T15:20:00Z");
    var after =
        NextStatus.of(
            WORDS, before, NOTHING, new Action.Finish(RunResult.success("m")), "job", end);
    assertThat(after.next()).isEqualTo("2026-01-01T16:00:00Z");
    var run = Objects.requireNonNull(after.run());
    assertThat(run.phase()).isEqualTo(Phase.Succeeded);
    assertThat(run.completionTime()).isEqualTo("2026-01-01T15:20:00Z");
  }

  @Test
  void keepsTheJobsThatHistorySays() {
    var attempts =
        List.of(
            job(5, "Complete"),
            job(4, "Complete"),
            job(3, "Failed"),
            job(2, "Complete"),
            job(1, "Failed"),
            job(0, null));
    var subject = subject(standing(run(Phase.Succeeded, "job-4")));
    var jobs = Jobs.of(subject, attempts, false);
    // That of a run which this status does not know is left alone.
    assertThat(jobs.seal()).containsExactly("job-4", "job-3");
    assertThat(jobs.delete()).containsExactly("job-2", "job-1", "job-0");

    var running = subject(standing(run(Phase.Running, "job-4")));
    assertThat(Jobs.of(running, List.of(job(4, null)), false).delete()).isEmpty();
    assertThat(Jobs.of(running, List.of(job(4, null)), true).delete()).containsExactly("job-4");
  }

  private static Attempt job(long run, @Nullable String end) {
    var job =
        new JobBuilder()
            .withNewMetadata()
            .withName("job-" + run)
            .addToLabels(Labels.RUN, String.valueOf(run))
            .addToLabels(Labels.ATTEMPT, "1")
            .endMetadata()
            .withNewSpec()
            .endSpec();
    return new Attempt(
        end == null
            ? job.build()
            : job.withNewStatus()
                .addNewCondition()
                .withType(end)
                .withStatus("True")
                .endCondition()
                .endStatus()
                .build(),
        List.of());
  }
}
