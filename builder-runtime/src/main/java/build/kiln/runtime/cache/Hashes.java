package build.kiln.runtime.cache;

import build.kiln.runtime.oci.Digest;
import java.nio.charset.StandardCharsets;

/** Short hashes: enough to see that two values differ, and not the values. */
final class Hashes {
  private static final int LENGTH = 16;

  private Hashes() {}

  static String of(byte[] bytes) {
    return Digest.ofBytes(bytes).hex().substring(0, LENGTH);
  }

  static String of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Of a name and a value, such as a build argument's. */
  static String of(String name, String value) {
    return of(name + "\0" + value);
  }
}
