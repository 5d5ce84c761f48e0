package build.kiln.runtime.build;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.Names;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hashes a list of values so that no two lists have the same bytes: every value goes with its
 * length. The first value names what is hashed, and its version.
 */
final class KeyHash {
  private static final int SMALL = 512;

  private final MessageDigest hash = Digest.sha256();

  /** What is not hashed yet: many small pieces take their time one by one. */
  private final byte[] pending = new byte[SMALL];

  private int length;

  KeyHash(String what) {
    add(what);
  }

  KeyHash add(@Nullable String text) {
    if (text == null) {
      return number(-1);
    }
    return add(Names.encode(text));
  }

  KeyHash add(byte[] bytes) {
    number(bytes.length);
    if (bytes.length > SMALL - length) {
      flush();
    }
    if (bytes.length > SMALL) {
      hash.update(bytes);
    } else {
      System.arraycopy(bytes, 0, pending, length, bytes.length);
      length += bytes.length;
    }
    return this;
  }

  private void flush() {
    hash.update(pending, 0, length);
    length = 0;
  }

  KeyHash add(List<String> texts) {
    number(texts.size());
    texts.forEach(this::add);
    return this;
  }

  KeyHash number(long value) {
    if (Long.BYTES > SMALL - length) {
      flush();
    }
    for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
      pending[length++] = (byte) (value >>> shift);
    }
    return this;
  }

  byte[] bytes() {
    flush();
    return hash.digest();
  }

  String hex() {
    return HexFormat.of().formatHex(bytes());
  }
}
