package build.kiln.runtime.registry.embedded;

import build.kiln.runtime.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Blobs on the heap: for tests with small images. */
final class MemoryBlobs implements Blobs {
  private final Map<Digest, byte[]> blobs = new ConcurrentHashMap<>();

  @Override
  public Optional<Stored> find(Digest digest) {
    return Optional.ofNullable(blobs.get(digest)).map(InMemory::new);
  }

  @Override
  public Upload begin() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    return new Upload() {
      @Override
      public long size() {
        return bytes.size();
      }

      @Override
      public OutputStream append() {
        return bytes;
      }

      @Override
      public Digest digest(Digest like) {
        byte[] hash = like.newHash().digest(bytes.toByteArray());
        return new Digest(like.algorithm(), HexFormat.of().formatHex(hash));
      }

      @Override
      public void commit(Digest digest) {
        blobs.put(digest, bytes.toByteArray());
      }

      @Override
      public void discard() {
        bytes.reset();
      }
    };
  }

  private static final class InMemory implements Stored {
    private final byte[] bytes;

    InMemory(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public InputStream open(long from) {
      int start = Math.toIntExact(from);
      return new ByteArrayInputStream(bytes, start, bytes.length - start);
    }
  }
}
