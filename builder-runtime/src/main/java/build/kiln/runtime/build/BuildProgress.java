package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.layer.Layer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Numbers vertices and hands events to a listener, one at a time. One serves a build and the push
 * of its result, so that numbers go on.
 */
public final class BuildProgress {
  private final BuildListener listener;
  private final ReentrantLock lock;
  private final AtomicInteger started;
  private final boolean warns;

  public BuildProgress(BuildListener listener) {
    this(listener, new ReentrantLock(), new AtomicInteger(), true);
  }

  private BuildProgress(
      BuildListener listener, ReentrantLock lock, AtomicInteger started, boolean warns) {
    this.listener = listener;
    this.lock = lock;
    this.started = started;
    this.warns = warns;
  }

  /** For building the same once more: what was warned of is not warned of again. */
  BuildProgress again() {
    return new BuildProgress(listener, lock, started, false);
  }

  void planned(int steps) {
    tell(new BuildEvent.Planned(steps));
  }

  /** Tells what is wrong, and does not matter to the result. */
  public void warn(String text) {
    warn(text, null);
  }

  void warn(String text, @Nullable Problem problem) {
    if (warns) {
      tell(new BuildEvent.Warning(text, problem));
    }
  }

  /** Starts work beside the steps. */
  Activity internal(String name) {
    return start(name, Vertex.Kind.INTERNAL, name);
  }

  /** Starts a step of the Dockerfile. */
  Activity step(String name, String instruction) {
    return start(name, Vertex.Kind.STEP, instruction);
  }

  /** Starts work on the result. */
  Activity export(String name) {
    return start(name, Vertex.Kind.EXPORT, name);
  }

  /** Tells of work that is done already. */
  public void done(String work, String outcome) {
    Activity activity = export(work);
    activity.note(outcome);
    activity.done();
  }

  private Activity start(String name, Vertex.Kind kind, String instruction) {
    lock.lock();
    try {
      var vertex = new Vertex(started.incrementAndGet(), name, kind, instruction);
      listener.on(new BuildEvent.Started(vertex));
      return new Activity(vertex, System.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  private void tell(BuildEvent event) {
    lock.lock();
    try {
      listener.on(event);
    } finally {
      lock.unlock();
    }
  }

  /** One vertex from its start to its end. */
  final class Activity {
    private final Vertex vertex;
    private final long start;

    private Activity(Vertex vertex, long start) {
      this.vertex = vertex;
      this.start = start;
    }

    void output(byte[] bytes) {
      tell(new BuildEvent.Output(vertex, bytes));
    }

    void transfer(String what, long done, long total) {
      tell(new BuildEvent.Transfer(vertex, what, done, total));
    }

    void note(String text) {
      tell(new BuildEvent.Note(vertex, text));
    }

    void done() {
      finished(null, null, null);
    }

    void finished(@Nullable CacheResult cache, @Nullable String missReason, @Nullable Layer layer) {
      tell(new BuildEvent.Finished(vertex, cache, missReason, elapsed(), layer));
    }

    void failed(@Nullable String message) {
      tell(new BuildEvent.Failed(vertex, message == null ? "it failed" : message, elapsed()));
    }

    private Duration elapsed() {
      return Duration.ofNanos(System.nanoTime() - start);
    }
  }
}
