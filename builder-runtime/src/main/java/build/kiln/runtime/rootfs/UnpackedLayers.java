package build.kiln.runtime.rootfs;

import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import build.kiln.runtime.store.KeptLayers;
import build.kiln.runtime.store.LayerFiles;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Layers unpacked for overlays: each once, several at a time. Thread-safe. */
final class UnpackedLayers implements AutoCloseable {
  private final LayerFiles files;
  private final Workspace workspace;
  private final Form form;
  private final Optional<KeptLayers> kept;
  private final ConcurrentMap<Digest, CompletableFuture<UnpackedLayer>> layers =
      new ConcurrentHashMap<>();
  private final ExecutorService workers =
      Executors.newFixedThreadPool(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          Thread.ofPlatform().daemon().name("kiln-unpack-", 0).factory());

  UnpackedLayers(LayerFiles files, Workspace workspace, OverlayMarks marks) {
    this.files = files;
    this.workspace = workspace;
    this.form = new Form.Lower(marks);
    this.kept = files.kept(marks.prefix());
  }

  /** These layers, unpacked; waits for those that another thread unpacks. */
  List<UnpackedLayer> all(List<Layer> wanted) throws IOException {
    List<CompletableFuture<UnpackedLayer>> started = new ArrayList<>();
    for (Layer layer : wanted) {
      started.add(start(layer));
    }
    List<UnpackedLayer> unpacked = new ArrayList<>();
    IOException failure = null;
    for (CompletableFuture<UnpackedLayer> future : started) {
      try {
        unpacked.add(future.get());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while layers were unpacked");
      } catch (ExecutionException e) {
        failure = add(failure, cause(e));
      }
    }
    if (failure != null) {
      throw failure;
    }
    return unpacked;
  }

  private CompletableFuture<UnpackedLayer> start(Layer layer) {
    var mine = new CompletableFuture<UnpackedLayer>();
    var present = layers.putIfAbsent(layer.diffId(), mine);
    if (present != null) {
      return present;
    }
    Runnable work =
        () -> {
          try {
            mine.complete(unpack(layer));
          } catch (IOException | RuntimeException | Error e) {
            // Whoever asks again tries again.
            layers.remove(layer.diffId(), mine);
            mine.completeExceptionally(e);
          }
        };
    try {
      workers.execute(work);
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the snapshots are closed", e);
    }
    return mine;
  }

  private UnpackedLayer unpack(Layer layer) throws IOException {
    if (kept.isPresent()) {
      KeptLayers.Unpacking unpacking =
          directory -> {
            LayerUnpacker.Result made = LayerUnpacker.unpack(files, layer, directory, form);
            return new KeptLayers.Unpacked(made.whole(), made.bytes(), made.facts().toBytes());
          };
      return of(
          files.isArriving(layer)
              ? kept.get().getAlone(layer.diffId(), unpacking)
              : kept.get().get(layer.diffId(), unpacking));
    }
    String name = workspace.newName();
    LayerUnpacker.Result result =
        workspace.make(name, directory -> LayerUnpacker.unpack(files, layer, directory, form));
    return new UnpackedLayer(workspace.place(name), result.facts());
  }

  private static UnpackedLayer of(KeptLayers.Tree tree) throws IOException {
    return new UnpackedLayer(
        new Place(tree.base(), tree.folder(), tree.path()), UnpackedLayer.Facts.of(tree.about()));
  }

  /**
   * Those of these layers that are neither kept nor unpacked yet, and those that have lost their
   * index: {@link Skeletons} may ask what is in them.
   */
  List<Layer> missing(List<Layer> wanted) throws IOException {
    List<Layer> missing = new ArrayList<>();
    for (Layer layer : wanted) {
      if (!layers.containsKey(layer.diffId())
          && (kept.isEmpty()
              || kept.get().find(layer.diffId()).isEmpty()
              || !files.isIndexed(layer))) {
        missing.add(layer);
      }
    }
    return missing;
  }

  /**
   * A directory of the workspace is exactly this layer, unpacked: it is kept, or if that cannot be,
   * it gets a name of its own.
   *
   * @param bytes of its files
   */
  void adopt(
      Layer layer, DirectoryHandle parent, String directory, long bytes, UnpackedLayer.Facts facts)
      throws IOException {
    Optional<KeptLayers.Tree> tree =
        kept.isEmpty()
            ? Optional.empty()
            : kept.get().adopt(layer.diffId(), parent, directory, bytes, facts.toBytes());
    UnpackedLayer unpacked;
    if (tree.isPresent()) {
      unpacked = of(tree.get());
    } else {
      String name = workspace.newName();
      parent.rename(directory, workspace.handle(), name);
      unpacked = new UnpackedLayer(workspace.place(name), facts);
    }
    layers.putIfAbsent(layer.diffId(), CompletableFuture.completedFuture(unpacked));
  }

  private static IOException cause(ExecutionException e) {
    return e.getCause() instanceof IOException io
        ? io
        : new IOException("cannot unpack a layer: " + e.getCause(), e);
  }

  private static IOException add(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    if (first != next) {
      first.addSuppressed(next);
    }
    return first;
  }

  /** Stops what is under way, and waits until it has stopped. */
  @Override
  public void close() throws IOException {
    workers.shutdownNow();
    var closed = new InterruptedIOException("the snapshots were closed");
    layers.values().forEach(layer -> layer.completeExceptionally(closed));
    try {
      if (!workers.awaitTermination(1, TimeUnit.MINUTES)) {
        throw new IOException("layers are still being unpacked after a minute of asking to stop");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the unpacking of layers was stopped");
    }
  }
}
