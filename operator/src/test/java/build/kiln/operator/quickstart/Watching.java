package build.kiln.operator.quickstart;

import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import java.util.function.Consumer;

/** Handlers of informers, for who wants to hear of some changes only. */
final class Watching {
  private Watching() {}

  /** Hears of every change. */
  static <T> ResourceEventHandler<T> any(Consumer<T> seen) {
    return handler(seen, seen, seen);
  }

  /** Hears of what came and what went. */
  static <T> ResourceEventHandler<T> existence(Consumer<T> came, Consumer<T> went) {
    return handler(came, resource -> {}, went);
  }

  /** Hears of what is there, as it came or as it changed. */
  static <T> ResourceEventHandler<T> state(Consumer<T> seen) {
    return handler(seen, seen, resource -> {});
  }

  private static <T> ResourceEventHandler<T> handler(
      Consumer<T> came, Consumer<T> changed, Consumer<T> went) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(T resource) {
        came.accept(resource);
      }

      @Override
      public void onUpdate(T before, T now) {
        changed.accept(now);
      }

      @Override
      public void onDelete(T resource, boolean lastStateUnknown) {
        went.accept(resource);
      }
    };
  }
}
