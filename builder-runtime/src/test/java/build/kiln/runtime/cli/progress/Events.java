package build.kiln.runtime.cli.progress;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.BuildListener;
import build.kiln.runtime.build.Vertex;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.LongSupplier;

/** Tells a listener of builds, on a clock of its own. */
final class Events {
  private final BuildListener listener;
  private final Clock clock;

  Events(BuildListener listener, Clock clock) {
    this.listener = listener;
    this.clock = clock;
  }

  /** Time that passes only when told. */
  static final class Clock implements LongSupplier {
    /** Also a time that is negative and near to its overflow works. */
    private long nanos = Long.MAX_VALUE - 1_000_000_000L;

    @Override
    public long getAsLong() {
      return nanos;
    }

    void pass(long millis) {
      nanos += millis * 1_000_000;
    }
  }

  static Vertex step(int number, String name) {
    return new Vertex(number, name, Vertex.Kind.STEP, name);
  }

  static Vertex internal(int number, String name) {
    return new Vertex(number, name, Vertex.Kind.INTERNAL, name);
  }

  Events pass(long millis) {
    clock.pass(millis);
    return this;
  }

  Events planned(int steps) {
    return tell(new BuildEvent.Planned(steps));
  }

  Events start(Vertex vertex) {
    return tell(new BuildEvent.Started(vertex));
  }

  Events out(Vertex vertex, String text) {
    return out(vertex, text.getBytes(StandardCharsets.UTF_8));
  }

  Events out(Vertex vertex, byte[] bytes) {
    return tell(new BuildEvent.Output(vertex, bytes));
  }

  Events note(Vertex vertex, String text) {
    return tell(new BuildEvent.Note(vertex, text));
  }

  Events transfer(Vertex vertex, String what, long done, long total) {
    return tell(new BuildEvent.Transfer(vertex, what, done, total));
  }

  Events warn(String text) {
    return tell(new BuildEvent.Warning(text, null));
  }

  Events done(Vertex vertex, long millis) {
    CacheResult cache = vertex.kind() == Vertex.Kind.STEP ? CacheResult.Miss : null;
    return tell(new BuildEvent.Finished(vertex, cache, null, Duration.ofMillis(millis), null));
  }

  Events cached(Vertex vertex) {
    return tell(new BuildEvent.Finished(vertex, CacheResult.Hit, null, Duration.ofMillis(3), null));
  }

  Events failed(Vertex vertex, String message) {
    return tell(new BuildEvent.Failed(vertex, message, Duration.ofMillis(1234)));
  }

  private Events tell(BuildEvent event) {
    listener.on(event);
    return this;
  }
}
