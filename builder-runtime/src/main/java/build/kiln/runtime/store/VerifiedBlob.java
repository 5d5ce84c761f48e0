package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.store.StoreException.Code;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** A blob's bytes, whose digest is compared when its end is read. */
final class VerifiedBlob extends FilterInputStream {
  private final Descriptor blob;
  private final MessageDigest hash;

  VerifiedBlob(InputStream in, Descriptor blob) {
    super(in);
    this.blob = blob;
    this.hash = blob.digest().newHash();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int count = in.read(buffer, offset, length);
    if (count > 0) {
      hash.update(buffer, offset, count);
    } else if (count < 0) {
      check();
    }
    return count;
  }

  private void check() throws StoreException {
    String found = HexFormat.of().formatHex(hash.digest());
    if (!found.equals(blob.digest().hex())) {
      throw new StoreException(
          Code.CONTENT_MISMATCH,
          "blob %s in the local store is damaged: its bytes have the digest %s; remove it and pull or build again"
              .formatted(blob.digest(), found));
    }
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
