package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A content digest such as {@code sha256:e3b0...}: algorithm and lower-case hexadecimal value (OCI
 * image-spec 1.1, descriptor, "Digests").
 */
public record Digest(String algorithm, String hex) implements Comparable<Digest> {
  /** Copied for each use: to look for who provides it takes longer than to hash a little. */
  private static final MessageDigest NEW_SHA256 = hash("SHA-256");

  private static final int SHA256_DIGITS = 64;
  private static final int SHA512_DIGITS = 128;

  /** As text. */
  public static final JsonForm<Digest> JSON = JsonForm.text(Digest::parse);

  /**
   * @throws OciException if the algorithm is not registered or the value does not fit it
   */
  public Digest {
    boolean good =
        switch (algorithm) {
          case "sha256" -> isHex(hex, SHA256_DIGITS);
          case "sha512" -> isHex(hex, SHA512_DIGITS);
          default -> false;
        };
    if (!good) {
      throw new OciException(
          "not a digest: \""
              + algorithm
              + ":"
              + hex
              + "\" (want sha256: or sha512: and lower-case hex)");
    }
  }

  /** Without an expression: digests are made by the thousand. */
  private static boolean isHex(String text, int digits) {
    if (text.length() != digits) {
      return false;
    }
    for (int i = 0; i < digits; i++) {
      char c = text.charAt(i);
      if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
        return false;
      }
    }
    return true;
  }

  /** Reads {@code algorithm:hex}. */
  @JsonCreator
  public static Digest parse(String text) {
    int colon = text.indexOf(':');
    if (colon < 0) {
      throw new OciException("not a digest: \"" + text + "\" (want algorithm:hex)");
    }
    return new Digest(text.substring(0, colon), text.substring(colon + 1));
  }

  /** The SHA-256 of these bytes. */
  public static Digest ofBytes(byte[] bytes) {
    return fromSha256(sha256().digest(bytes));
  }

  /** A digest from a finished SHA-256. */
  public static Digest fromSha256(byte[] hash) {
    return new Digest("sha256", HexFormat.of().formatHex(hash));
  }

  /** A new SHA-256. */
  public static MessageDigest sha256() {
    try {
      return (MessageDigest) NEW_SHA256.clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError("Java's own SHA-256 can be copied", e);
    }
  }

  /** A new hash of this digest's algorithm, to verify content with. */
  public MessageDigest newHash() {
    return algorithm.equals("sha512") ? hash("SHA-512") : sha256();
  }

  private static MessageDigest hash(String name) {
    try {
      return MessageDigest.getInstance(name);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has " + name, e);
    }
  }

  /** The first 12 digits, for people. */
  public String shortHex() {
    return hex.substring(0, 12);
  }

  // Written out, since every process needs them at once, and a record's own are made when first
  // used.

  @Override
  public boolean equals(Object other) {
    return other instanceof Digest digest
        && hex.equals(digest.hex)
        && algorithm.equals(digest.algorithm);
  }

  @Override
  public int hashCode() {
    return hex.hashCode();
  }

  @Override
  public int compareTo(Digest other) {
    int byAlgorithm = algorithm.compareTo(other.algorithm);
    return byAlgorithm != 0 ? byAlgorithm : hex.compareTo(other.hex);
  }

  @JsonValue
  @Override
  public String toString() {
    return algorithm + ":" + hex;
  }
}
