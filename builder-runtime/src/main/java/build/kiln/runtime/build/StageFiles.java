package build.kiln.runtime.build;

import build.kiln.runtime.layer.EntryMeta;
import build.kiln.runtime.layer.FileTree;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.rootfs.ImageTree;
import build.kiln.runtime.rootfs.Snapshots;
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
  @FunctionalInterface
  interface LayerSupply {
    void require(List<Layer> layers) throws IOException;
  }

  private StageFiles(
      LocalStore store, LayerSupply supply, List<Layer> layers, @Nullable StageFiles below) {
    this.store = store;
    this.supply = supply;
    this.layers = List.copyOf(layers);
    this.below = below;
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

  /** Makes sure that those blobs are in the local store that a root with all layers needs. */
  void require(Snapshots snapshots) throws IOException {
    supply.require(snapshots.missing(layers));
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
