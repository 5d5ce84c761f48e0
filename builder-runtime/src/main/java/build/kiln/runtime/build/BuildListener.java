package build.kiln.runtime.build;

import java.util.List;

/** Takes events; called by many threads, but by one at a time. */
@FunctionalInterface
public interface BuildListener {
  void on(BuildEvent event);

  /** Tells several, in this order. */
  static BuildListener all(List<BuildListener> listeners) {
    List<BuildListener> copy = List.copyOf(listeners);
    return event -> copy.forEach(listener -> listener.on(event));
  }
}
