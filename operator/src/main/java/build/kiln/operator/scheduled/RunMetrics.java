package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.ScheduledRun;
import build.kiln.operator.job.RunQueue;
import build.kiln.operator.job.Times;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;

/** What is counted: runs by what started them and what they came to, and how long they took. */
final class RunMetrics {
  private final MeterRegistry registry;
  private final String several;
  private final String one;

  /**
   * @param name of the kind in metrics, such as mirror
   */
  RunMetrics(MeterRegistry registry, String name, RunQueue<?> queue) {
    this.registry = registry;
    this.several = "kiln." + name + "s.";
    this.one = "kiln." + name + ".";
    Gauge.builder(several + "running", queue, q -> q.counts().getOrDefault(true, 0L))
        .description("Runs that have a Job")
        .register(registry);
    Gauge.builder(several + "waiting", queue, q -> q.counts().getOrDefault(false, 0L))
        .description("Runs that wait for their turn")
        .register(registry);
  }

  /** Counts a pass whose status was written. */
  void count(Action action, Standing after) {
    if (action instanceof Action.Accept accept) {
      registry.counter(several + "started", "cause", accept.cause().name()).increment();
    }
    if (action instanceof Action.Finish finish) {
      var result = finish.result().succeeded() ? "succeeded" : "failed";
      registry
          .counter(several + "finished", "result", result, "reason", finish.result().reason())
          .increment();
      after.newest().ifPresent(run -> time(run, result));
    }
  }

  private void time(ScheduledRun run, String result) {
    Times.parse(run.startTime())
        .ifPresent(
            start ->
                Times.parse(run.completionTime())
                    .ifPresent(
                        end ->
                            registry
                                .timer(one + "duration", "result", result)
                                .record(Duration.between(start, end))));
  }
}
