package build.kiln.runtime.build;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.rootfs.ImageTree;
import build.kiln.runtime.rootfs.Snapshots;
import build.kiln.runtime.store.GrowingBlob;
import build.kiln.runtime.store.LocalStore;
import build.kiln.runtime.store.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The file system of a stage at one point, without unpacking it. What is not asked for is not
 * pulled: looking at names needs a layer's blob only if its index is not known, and only content or
 * a RUN needs all of them.
 */
final class StageFiles implements FileTree {
  private final LocalStore store;
  private final LayerSupply supply;
  private final List<Layer> layers;
  private final @Nullable StageFiles below;
  private @Nullable ImageTree tree;

  /** Brings those of the layers into the local store that are not there. */
  interface LayerSupply {
    /** Returns when they are there. */
    void require(List<Layer> layers) throws IOException;

    /** Returns at once. */
    LayerPulls begin(List<Layer> layers) throws IOException;
  }

  private StageFiles(
      LocalStore store, LayerSupply supply, List<Layer> layers, @Nullable StageFiles below) {
    this.store = store;
    this.supply = supply;
    this.layers = List.copyOf(layers);
    this.below = below;
  }

  /** No files, for looking at words alone: it never has any. */
  static StageFiles none(LocalStore store) {
    return new StageFiles(store, new NoSupply(store), List.of(), null);
  }

  private record NoSupply(LocalStore store) implements LayerSupply {
    @Override
    public void require(List<Layer> layers) {}

    @Override
    public LayerPulls begin(List<Layer> layers) {
      return new LayerPulls(store, layers, layer -> {});
    }
  }

  static StageFiles of(LocalStore store, LayerSupply supply, List<Layer> layers) {
    return new StageFiles(store, supply, layers, null);
  }

  /** With one more layer on top. */
  StageFiles with(Layer layer) {
    var more = new ArrayList<>(layers);
    more.add(layer);
    return new StageFiles(store, supply, more, this);
  }

  /** Base first. */
  List<Layer> layers() {
    return layers;
  }

  /** Makes sure that every layer's blob is in the local store. */
  void requireAll() throws IOException {
    supply.require(layers);
  }

  /**
   * Begins to pull what a step needs in whatever sandbox it runs: all layers, where none was
   * unpacked before.
   */
  LayerPulls begin() throws IOException {
    return supply.begin(store.layers().hasUnpacked() ? List.of() : layers);
  }

  /**
   * Unpacks all layers as far as the snapshots can, those that are only in a registry as they
   * arrive.
   *
   * @param begun what is being pulled already
   */
  void load(Snapshots snapshots, LayerPulls begun) throws IOException {
    List<Layer> missing = new ArrayList<>(snapshots.missing(layers));
    missing.removeAll(begun.layers());
    try (LayerPulls pulls = supply.begin(missing)) {
      try {
        snapshots.load(layers);
      } catch (IOException e) {
        if (!isOfContent(e)) {
          throw e;
        }
        await(begun, pulls, e);
        if (e instanceof LayerException) {
          throw e;
        }
        // It was another stage's pull that has ended; now the layers are here.
        snapshots.load(layers);
      }
      await(begun, pulls, null);
    }
  }

  /** That a layer does not come is why what reads it fails. */
  private static void await(LayerPulls begun, LayerPulls pulls, @Nullable IOException failure)
      throws IOException {
    try {
      begun.await();
      pulls.await();
    } catch (IOException e) {
      if (failure != null) {
        e.addSuppressed(failure);
      }
      throw e;
    }
  }

  private static boolean isOfContent(IOException failure) {
    return failure instanceof LayerException
        || failure instanceof GrowingBlob.GivenUp
        || failure instanceof StoreException;
  }

  /** Whether names and small files are known without reading a layer. */
  boolean isIndexed() throws IOException {
    for (Layer layer : layers) {
      if (!store.layers().isIndexed(layer)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public Optional<EntryMeta> lookup(String path) throws IOException {
    return tree().lookup(path);
  }

  @Override
  public List<EntryMeta> children(String path) throws IOException {
    return tree().children(path);
  }

  @Override
  public InputStream open(EntryMeta file) throws IOException {
    Optional<InputStream> unpacked = tree().openUnpacked(file);
    if (unpacked.isPresent()) {
      return unpacked.get();
    }
    requireAll();
    return tree().open(file);
  }

  /** The content of a small file such as {@code /etc/passwd}; empty if there is none. */
  Optional<byte[]> readSmall(String path, int max) throws IOException {
    if (!tree().resolve(path).exists()) {
      return Optional.empty();
    }
    try {
      return tree().readSmall(path, max);
    } catch (StoreException e) {
      // The index keeps the content of accounts only as long as they are small.
      requireAll();
      return tree().readSmall(path, max);
    }
  }

  private synchronized ImageTree tree() throws IOException {
    if (tree == null) {
      if (below == null) {
        requireIndexes(layers);
        tree = ImageTree.of(store.layers(), layers);
      } else {
        ImageTree lower = below.tree();
        Layer top = layers.getLast();
        requireIndexes(List.of(top));
        tree = lower.with(top);
      }
    }
    return tree;
  }

  private void requireIndexes(List<Layer> wanted) throws IOException {
    supply.require(wanted.stream().filter(layer -> !store.layers().hasIndex(layer)).toList());
  }
}
