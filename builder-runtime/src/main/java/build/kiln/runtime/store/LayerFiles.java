package build.kiln.runtime.store;

import build.kiln.runtime.layer.Compression;
import build.kiln.runtime.layer.Decompression;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.layer.LayerException;
import build.kiln.runtime.layer.LayerIndex;
import build.kiln.runtime.layer.LayerSource;
import build.kiln.runtime.layer.LayerWriter;
import build.kiln.runtime.layer.ReadAhead;
import build.kiln.runtime.layer.TarReader;
import build.kiln.runtime.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Consumer;

/** The layers of a local store: written, indexed, and inflated for reading. Thread-safe. */
public final class LayerFiles {
  /** Layers of this size are inflated and hashed on a thread of their own. */
  private static final int AHEAD = 256 * 1024;

  private final LocalStore store;
  private final LayerWriter writer;
  private final ConcurrentMap<Digest, Object> locks = new ConcurrentHashMap<>();
  private final ConcurrentMap<Digest, Path> inflated = new ConcurrentHashMap<>();

  LayerFiles(LocalStore store, LayerWriter writer) {
    this.store = store;
    this.writer = writer;
  }

  /** Writes a layer into the store, with its index. */
  public Layer write(LayerSource source, Compression compression) throws IOException {
    return write(source, compression, blob -> {});
  }

  /**
   * Writes a layer into the store, with its index.
   *
   * @param readers hears of a large layer's blob while it is written
   */
  public Layer write(LayerSource source, Compression compression, Consumer<GrowingBlob> readers)
      throws IOException {
    try (var ingest = store.ingest(readers)) {
      LayerWriter.Written written = writer.writeIndexed(source, compression, ingest);
      keepIndex(written.layer().diffId(), written.index());
      return written.layer();
    }
  }

  /**
   * Keeps a layer that is a tar already, byte for byte.
   *
   * @param compression not NONE
   */
  public Layer compress(InputStream tar, Compression compression) throws IOException {
    try (var ingest = store.ingest()) {
      return writer.compress(tar, compression, ingest);
    }
  }

  /**
   * What a layer holds. Read from its index file, or by streaming the layer once.
   *
   * @throws LayerException if the layer is no safe tar, or not that of its diff ID
   */
  public LayerIndex index(Layer layer) throws IOException {
    store.mark(store.indexPath(layer.diffId()));
    Optional<LayerIndex> known = LayerIndex.load(store.indexPath(layer.diffId()));
    if (known.isPresent()) {
      return known.get();
    }
    return readIndexed(layer, tar -> {});
  }

  /** Whether {@link #index} answers without the layer's blob, until the store is closed. */
  public boolean hasIndex(Layer layer) {
    try {
      store.mark(store.indexPath(layer.diffId()));
    } catch (IOException notMarked) {
      return false;
    }
    return LayerIndex.load(store.indexPath(layer.diffId())).isPresent();
  }

  /**
   * As {@link #hasIndex}, by the file's name alone: whether it is whole is seen when it is read.
   */
  public boolean isIndexed(Layer layer) throws IOException {
    return store.mark(store.indexPath(layer.diffId()));
  }

  /**
   * Layers that stay unpacked between builds; empty where nothing can be kept.
   *
   * @param marks how removals are marked in them: the start of an attribute's name
   */
  public Optional<KeptLayers> kept(String marks) {
    return store.kept().of(marks);
  }

  /** Whether any layers may be kept unpacked. */
  public boolean hasUnpacked() {
    return Files.isDirectory(store.unpackedFolder());
  }

  /** Whether to read a layer means to wait for what is still on its way here. */
  public boolean isArriving(Layer layer) {
    return store.isArriving(layer.descriptor().digest());
  }

  /** A layer's tree, if it is kept unpacked; as {@link #kept}. */
  public Optional<KeptLayers.Tree> unpacked(Layer layer, String marks) throws IOException {
    if (!hasUnpacked()) {
      return Optional.empty();
    }
    Optional<KeptLayers> kept = kept(marks);
    return kept.isEmpty() ? Optional.empty() : kept.get().find(layer.diffId());
  }

  /** A layer's tar, inflated while it is read; not verified. */
  public InputStream open(Layer layer) throws IOException {
    return Decompression.open(store.open(layer.descriptor().digest()), what(layer));
  }

  /** Takes a layer's events. */
  @FunctionalInterface
  public interface Reader {
    void read(TarReader tar) throws IOException;
  }

  /**
   * Streams a layer once, and checks it; its index is kept if there was none. What the reader made
   * of it must not be used if this fails.
   *
   * @throws LayerException if the layer is no safe tar, or not that of its diff ID
   */
  public void read(Layer layer, Reader reader) throws IOException {
    if (!isIndexed(layer)) {
      readIndexed(layer, reader);
      return;
    }
    try (Verified verified = verified(layer);
        TarReader tar = TarReader.ofLayer(verified.in, what(layer))) {
      reader.read(tar);
      verified.in.transferTo(OutputStream.nullOutputStream());
      verified.check();
    }
  }

  /** As {@link #read}, and keeps the index, whatever there was. */
  private LayerIndex readIndexed(Layer layer, Reader reader) throws IOException {
    try (Verified verified = verified(layer);
        TarReader tar = TarReader.ofIndexedLayer(verified.in, what(layer))) {
      reader.read(tar);
      LayerIndex index = tar.index();
      verified.check();
      keepIndex(layer.diffId(), index);
      return index;
    }
  }

  /**
   * A layer's tar as a file to read at any place: the blob itself if it is not compressed, else
   * inflated once for this process and kept until the store is closed.
   *
   * @throws LayerException if it is not the tar of its diff ID
   */
  public Path tar(Layer layer) throws IOException {
    Path known = inflated.get(layer.diffId());
    if (known != null) {
      return known;
    }
    synchronized (locks.computeIfAbsent(layer.diffId(), d -> new Object())) {
      Path again = inflated.get(layer.diffId());
      return again != null ? again : inflate(layer);
    }
  }

  private Path inflate(Layer layer) throws IOException {
    if (layer.descriptor().digest().equals(layer.diffId())) {
      store.verify(layer.diffId());
      inflated.put(layer.diffId(), store.blobPath(layer.diffId()));
      return store.blobPath(layer.diffId());
    }
    Path file = store.workFile();
    boolean whole = false;
    try (Verified tar = verified(layer);
        var out = Files.newOutputStream(file)) {
      tar.in.transferTo(out);
      tar.check();
      whole = true;
    } finally {
      if (!whole) {
        Files.deleteIfExists(file);
      }
    }
    inflated.put(layer.diffId(), file);
    return file;
  }

  private void keepIndex(Digest diffId, LayerIndex index) throws IOException {
    store.replace(store.indexPath(diffId), index.toBytes());
  }

  private static String what(Layer layer) {
    return "layer " + layer.descriptor().digest();
  }

  private Verified verified(Layer layer) throws IOException {
    MessageDigest hash = layer.diffId().newHash();
    var hashed = new DigestInputStream(open(layer), hash);
    boolean large = layer.descriptor().size() >= AHEAD;
    return new Verified(large ? new ReadAhead(hashed) : hashed, hash, layer);
  }

  /** A layer's tar on whose end its digest is compared. */
  private record Verified(InputStream in, MessageDigest hash, Layer layer)
      implements AutoCloseable {
    void check() throws LayerException {
      String found = HexFormat.of().formatHex(hash.digest());
      if (!found.equals(layer.diffId().hex())) {
        throw new LayerException(
            LayerException.Code.DIGEST_MISMATCH,
            what(layer)
                + " inflates to "
                + found
                + ", but the image's configuration says diff ID "
                + layer.diffId()
                + "; the image is broken, or the blob in the local store is damaged");
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
