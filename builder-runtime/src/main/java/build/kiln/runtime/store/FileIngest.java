package build.kiln.runtime.store;

import build.kiln.runtime.layer.BlobIngest;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.store.StoreException.Code;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A blob in a temporary file, which takes its name by one rename when it is whole. */
final class FileIngest implements BlobIngest {
  /** Blobs below this are written before it pays to read them meanwhile. */
  static final int LARGE = 4 << 20;

  private final LocalStore store;
  private final Path file;
  private final FileChannel channel;
  private final String algorithm;
  private final @Nullable MessageDigest hash;
  private final OutputStream out = new Out();
  private final @Nullable Consumer<GrowingBlob> readers;

  /** Told of each byte; null until it is known that somebody reads along. */
  private @Nullable GrowingBlob growing;

  private long size;
  private boolean ended;

  /**
   * @param hash null for bytes that who hands them over compares with their digest
   * @param growing for who reads along from the start; null if nobody does
   * @param readers hears once of a blob that has become {@link #LARGE}; null if nobody wants to
   */
  FileIngest(
      LocalStore store,
      Path file,
      String algorithm,
      @Nullable MessageDigest hash,
      @Nullable GrowingBlob growing,
      @Nullable Consumer<GrowingBlob> readers)
      throws IOException {
    this.store = store;
    this.file = file;
    this.algorithm = algorithm;
    this.hash = hash;
    this.growing = growing;
    this.readers = readers;
    this.channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  @Override
  public OutputStream out() {
    return out;
  }

  @Override
  public Descriptor commit(String mediaType) throws IOException {
    return keep(Descriptor.of(mediaType, digest(Objects.requireNonNull(hash)), size));
  }

  @Override
  public Descriptor commit(Descriptor expected) throws IOException {
    Digest digest = hash == null ? expected.digest() : digest(hash);
    if (size != expected.size() || !digest.equals(expected.digest())) {
      throw new StoreException(
          Code.CONTENT_MISMATCH,
          "blob "
              + expected.digest()
              + " should have "
              + expected.size()
              + " bytes; what came has "
              + size
              + " bytes and the digest "
              + digest
              + "; it was damaged on the way or its source is wrong");
    }
    return keep(expected);
  }

  private Digest digest(MessageDigest hash) {
    return new Digest(algorithm, HexFormat.of().formatHex(hash.digest()));
  }

  private Descriptor keep(Descriptor descriptor) throws IOException {
    if (!channel.isOpen()) {
      throw new IOException("this blob was committed or given up already");
    }
    channel.close();
    if (store.has(descriptor)) {
      Files.delete(file);
    } else {
      store.moveInto(file, store.blobPath(descriptor.digest()));
    }
    ended = true;
    if (growing != null) {
      growing.committed(descriptor, store.blobPath(descriptor.digest()));
    }
    return descriptor;
  }

  @Override
  public void close() throws IOException {
    if (growing != null) {
      growing.givenUp();
    }
    // Not whether the channel is open tells that: an interrupt closes it as well.
    if (!ended) {
      ended = true;
      channel.close();
      Files.deleteIfExists(file);
    }
  }

  private void tell() {
    if (growing != null) {
      growing.grown(file, size);
    } else if (readers != null && size >= LARGE) {
      growing = new GrowingBlob();
      growing.grown(file, size);
      readers.accept(growing);
    }
  }

  private final class Out extends OutputStream {
    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      var buffer = ByteBuffer.wrap(bytes, offset, length);
      try {
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
      } catch (ClosedChannelException givenUpOrInterrupted) {
        throw givenUpOrInterrupted;
      } catch (IOException e) {
        throw new IOException(
            "cannot write a blob to the local store %s: %s".formatted(store.root(), e.getMessage()),
            e);
      }
      if (hash != null) {
        hash.update(bytes, offset, length);
      }
      size += length;
      tell();
    }
  }
}
