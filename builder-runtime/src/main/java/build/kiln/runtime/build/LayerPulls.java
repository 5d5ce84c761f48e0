package build.kiln.runtime.build;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.posix.Threads;
import build.kiln.runtime.registry.Concurrently;
import build.kiln.runtime.store.LocalStore;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Layers on their way into the local store, side by side. Whoever opens one of them reads it as it
 * arrives, so that to pull a layer and to unpack it take as long as the slower of both. What the
 * reader made of it is not to be used before {@link #await}.
 */
final class LayerPulls implements AutoCloseable {
  private final List<Layer> layers;
  private final FutureTask<Void> task;
  private final Thread thread;

  /**
   * Begins.
   *
   * @param layers that the store does not have
   * @param fetch brings one into the store by {@link LocalStore#putVerified}; ends when it is
   *     interrupted
   */
  LayerPulls(LocalStore store, List<Layer> layers, Concurrently.Action<Layer> fetch) {
    this.layers = List.copyOf(layers);
    Map<Layer, LocalStore.Arrival> arrivals = new LinkedHashMap<>();
    layers.forEach(layer -> arrivals.put(layer, store.expect(layer.descriptor())));
    task =
        new FutureTask<>(
            () -> {
              try {
                Concurrently.all(
                    layers,
                    layer -> {
                      try (LocalStore.Arrival arrival = arrivals.get(layer)) {
                        fetch.on(layer);
                      }
                    });
              } finally {
                arrivals.values().forEach(LocalStore.Arrival::close);
              }
              return null;
            });
    thread = Thread.ofPlatform().daemon().name("kiln-layer-pulls").unstarted(task);
    if (layers.isEmpty()) {
      task.run();
    } else {
      thread.start();
    }
  }

  /** Which they are. */
  List<Layer> layers() {
    return layers;
  }

  /**
   * Waits until all are there.
   *
   * @throws IOException if one of them does not come
   */
  void await() throws IOException {
    try {
      task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while layers were pulled");
    } catch (ExecutionException e) {
      throw Concurrently.asIo(Objects.requireNonNull(e.getCause()));
    }
  }

  /** Ends what is still under way, and returns when it has ended. */
  @Override
  public void close() {
    thread.interrupt();
    // What it reads from is interrupted too, so it ends soon.
    if (Threads.joinUninterruptibly(thread)) {
      Thread.currentThread().interrupt();
    }
  }
}
