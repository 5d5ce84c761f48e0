package build.kiln.runtime.layer;

import build.kiln.runtime.oci.Descriptor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** A blob in memory. */
final class MemoryIngest implements BlobIngest {
  final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  boolean committed;

  @Override
  public OutputStream out() {
    return bytes;
  }

  @Override
  public Descriptor commit(String mediaType) {
    committed = true;
    return Descriptor.ofBytes(mediaType, bytes.toByteArray());
  }

  @Override
  public Descriptor commit(Descriptor expected) throws IOException {
    Descriptor got = commit(expected.mediaType());
    if (!got.digest().equals(expected.digest())) {
      throw new IOException("other bytes than expected");
    }
    return expected;
  }

  @Override
  public void close() {}
}
