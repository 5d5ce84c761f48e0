package build.kiln.runtime.layer;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Writes layers: tar, its digest, compression, the blob's digest and the blob itself in one pass.
 * Memory does not grow with the layer: some {@code 2 x threads + 3} blocks of 1 MiB (gzip) or 2 MiB
 * (zstd), twice. Bytes do not depend on the number of threads. Thread-safe.
 */
public final class LayerWriter {
  /** More compressors than this gain nothing: one thread hashes what they compress. */
  private static final int MAX_THREADS = 16;

  private final int threads;

  /** A layer and its index, made in the same pass. */
  public record Written(Layer layer, LayerIndex index) {}

  /**
   * @param threads how many blocks of one layer are compressed at the same time; at least 1
   */
  public LayerWriter(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("a layer writer needs a thread, not " + threads);
    }
    this.threads = Math.min(threads, MAX_THREADS);
  }

  /** A writer that uses the cores that this process may use. */
  public static LayerWriter onAllCores() {
    return new LayerWriter(Runtime.getRuntime().availableProcessors());
  }

  /**
   * Writes a layer and commits it.
   *
   * @param target takes the blob; the caller closes it, which gives up what could not be written
   * @throws IOException if the source or the target fails; nothing is committed then
   */
  public Layer write(LayerSource source, Compression compression, BlobIngest target)
      throws IOException {
    return writeIndexed(source, compression, target).layer();
  }

  /** As {@link #write}, and tells what the layer holds, without reading it again. */
  public Written writeIndexed(LayerSource source, Compression compression, BlobIngest target)
      throws IOException {
    return compression.type() == Compression.Type.NONE
        ? plain(source, compression, target)
        : compressed(source, compression, target);
  }

  /**
   * Compresses a layer that is a tar already, byte for byte, and commits it.
   *
   * @param compression not NONE
   */
  public Layer compress(InputStream tar, Compression compression, BlobIngest target)
      throws IOException {
    var pipeline = new BlockPipeline(BlockCodec.of(compression), target.out(), threads);
    try {
      tar.transferTo(pipeline);
      Digest diffId = pipeline.finish();
      return new Layer(target.commit(compression.mediaType()), diffId);
    } finally {
      pipeline.abort();
    }
  }

  private static Written plain(LayerSource source, Compression compression, BlobIngest target)
      throws IOException {
    var out = new BufferedOutputStream(target.out(), 256 * 1024);
    var tar = new TarWriter(out, new LayerIndex.Builder());
    source.writeTo(tar);
    tar.finish();
    out.flush();
    Descriptor blob = target.commit(compression.mediaType());
    return new Written(new Layer(blob, blob.digest()), tar.index());
  }

  private Written compressed(LayerSource source, Compression compression, BlobIngest target)
      throws IOException {
    var pipeline = new BlockPipeline(BlockCodec.of(compression), target.out(), threads);
    try {
      var tar = new TarWriter(pipeline, new LayerIndex.Builder());
      source.writeTo(tar);
      tar.finish();
      Digest diffId = pipeline.finish();
      Descriptor blob = target.commit(compression.mediaType());
      return new Written(new Layer(blob, diffId), tar.index());
    } finally {
      pipeline.abort();
    }
  }
}
