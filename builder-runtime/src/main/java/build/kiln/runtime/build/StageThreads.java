package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.FailureReason;
import build.kiln.runtime.build.StageRunner.BuiltStage;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs stages side by side, each on a thread of its own ({@link Concurrently} says why of the
 * platform). The first failure is the build's; it ends all the others.
 */
final class StageThreads {
  private final BuildSession session;
  private final List<StagePlan> plans;
  private final Map<Integer, CompletableFuture<BuiltStage>> results = new HashMap<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  StageThreads(BuildSession session, List<StagePlan> plans) {
    this.session = session;
    this.plans = plans;
    plans.forEach(plan -> results.put(plan.stage().number(), new CompletableFuture<>()));
  }

  /** Runs all of them and gives the target. */
  BuiltStage run(int target) throws BuildException, InterruptedException {
    ThreadFactory factory = Thread.ofPlatform().daemon().name("kiln-stage-", 0).factory();
    try (ExecutorService threads = Executors.newThreadPerTaskExecutor(factory)) {
      try {
        plans.forEach(plan -> threads.submit(() -> run(plan, threads)));
      } catch (RejectedExecutionException e) {
        // A stage has failed before all were started.
        rethrow(failure.get());
        throw e;
      }
      try {
        for (StagePlan plan : plans) {
          await(plan.stage().number());
        }
      } catch (InterruptedException | BuildException e) {
        threads.shutdownNow();
        if (failure.get() == null) {
          throw e;
        }
      }
    }
    rethrow(failure.get());
    return await(target);
  }

  private void run(StagePlan plan, ExecutorService threads) {
    CompletableFuture<BuiltStage> result = result(plan.stage().number());
    try {
      result.complete(new StageRunner(session, plan, this::await).run());
    } catch (Throwable e) {
      // Errors too: whoever waits for the stage must hear of them.
      failure.compareAndSet(null, e);
      result.completeExceptionally(e);
      threads.shutdownNow();
    }
  }

  private CompletableFuture<BuiltStage> result(int number) {
    CompletableFuture<BuiltStage> result = results.get(number);
    if (result == null) {
      throw new IllegalStateException("stage " + number + " is not reachable");
    }
    return result;
  }

  private BuiltStage await(int number) throws BuildException, InterruptedException {
    try {
      return result(number).get();
    } catch (ExecutionException e) {
      rethrow(e.getCause());
      throw new AssertionError("a failed stage has a cause", e);
    }
  }

  private static void rethrow(@Nullable Throwable cause)
      throws BuildException, InterruptedException {
    switch (cause) {
      case null -> {}
      case BuildException e -> throw e;
      case InterruptedException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default ->
          throw new BuildException(FailureReason.Infrastructure, Failures.message(cause), cause);
    }
  }
}
