package build.kiln.runtime.build;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.Names;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hashes a list of values so that no two lists have the same bytes: every value goes with its
 * length. The first value names what is hashed, and its version.
 */
final class KeyHash {
  private final MessageDigest hash = Digest.sha256();

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
    hash.update(bytes);
    return this;
  }

  KeyHash add(List<String> texts) {
    number(texts.size());
    texts.forEach(this::add);
    return this;
  }

  KeyHash number(long value) {
    hash.update(ByteBuffer.allocate(Long.BYTES).putLong(value).flip());
    return this;
  }

  byte[] bytes() {
    return hash.digest();
  }

  String hex() {
    return HexFormat.of().formatHex(bytes());
  }
}
