package build.kiln.operator.job;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Short hashes for names and comparisons. */
public final class Hashes {
  /** The digits of a whole one. */
  public static final int WHOLE = 64;

  private Hashes() {}

  /** The first {@code digits} hexadecimal digits of a text's SHA-256. */
  public static String sha256(String text, int digits) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).substring(0, digits);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JVM without SHA-256", e);
    }
  }
}
