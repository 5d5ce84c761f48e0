package build.kiln.runtime.cli;

import build.kiln.api.v1alpha1.Durations;
import build.kiln.api.v1alpha1.ImageBuildStatus.Progress;
import build.kiln.api.v1alpha1.ImageBuildStatus.Step;
import build.kiln.runtime.build.BuildEvent;
import build.kiln.runtime.build.BuildListener;
import build.kiln.runtime.build.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Collects what a report says of steps, and tells which one a build is at. */
final class Steps implements BuildListener {
  private final Consumer<Progress> onProgress;
  private final List<Step> finished = new ArrayList<>();
  private int planned;
  private int started;

  /**
   * @param onProgress hears of every step that starts
   */
  Steps(Consumer<Progress> onProgress) {
    this.onProgress = onProgress;
  }

  @Override
  public synchronized void on(BuildEvent event) {
    switch (event) {
      case BuildEvent.Planned plan -> {
        // A build that is tried once more, without its cache, is planned once more.
        planned = plan.steps();
        started = 0;
        finished.clear();
      }
      case BuildEvent.Started start when isStep(start.vertex()) ->
          onProgress.accept(new Progress(++started, planned, start.vertex().instruction()));
      case BuildEvent.Finished end when isStep(end.vertex()) ->
          finished.add(
              new Step(
                  end.vertex().instruction(),
                  end.cache(),
                  end.missReason(),
                  Durations.format(end.duration()),
                  end.layer() == null ? null : end.layer().descriptor().digest().toString(),
                  end.layer() == null ? null : end.layer().descriptor().size()));
      case BuildEvent.Failed end when isStep(end.vertex()) ->
          finished.add(
              new Step(
                  end.vertex().instruction(),
                  null,
                  null,
                  Durations.format(end.duration()),
                  null,
                  null));
      default -> {}
    }
  }

  private static boolean isStep(Vertex vertex) {
    return vertex.kind() == Vertex.Kind.STEP;
  }

  /** The steps that ended so far, in the order of their ends. */
  synchronized List<Step> finished() {
    return List.copyOf(finished);
  }

  /** How many were planned. */
  synchronized int planned() {
    return planned;
  }
}
