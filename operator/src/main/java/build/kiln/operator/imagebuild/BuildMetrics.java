package build.kiln.operator.imagebuild;

import build.kiln.api.v1alpha1.ImageBuildStatus;
import build.kiln.api.v1alpha1.ImageBuildStatus.Run;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;

/** What is counted: runs by what started them and what they came to, and how long they took. */
final class BuildMetrics {
  private final MeterRegistry registry;

  BuildMetrics(MeterRegistry registry, BuildQueue queue) {
    this.registry = registry;
    Gauge.builder("kiln.builds.running", queue, q -> q.counts().getOrDefault(true, 0L))
        .description("Runs that have a Job")
        .register(registry);
    Gauge.builder("kiln.builds.waiting", queue, q -> q.counts().getOrDefault(false, 0L))
        .description("Runs that wait for their turn")
        .register(registry);
  }

  /** Counts a pass whose status was written. */
  void count(Action action, ImageBuildStatus after) {
    if (action instanceof Action.Accept accept) {
      registry.counter("kiln.builds.started", "cause", accept.cause().type()).increment();
    }
    if (action instanceof Action.Finish finish) {
      boolean succeeded = finish.result() instanceof Result.Success;
      var reason =
          finish.result() instanceof Result.Failure failure ? failure.reason().name() : "Succeeded";
      var result = succeeded ? "succeeded" : "failed";
      registry.counter("kiln.builds.finished", "result", result, "reason", reason).increment();
      after.newestRun().ifPresent(run -> time(run, result));
    }
  }

  private void time(Run run, String result) {
    if (run.startTime() != null && run.completionTime() != null) {
      registry
          .timer("kiln.build.duration", "result", result)
          .record(
              Duration.between(
                  Instant.parse(run.startTime()), Instant.parse(run.completionTime())));
    }
  }
}
