package build.kiln.runtime.oci;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * A content digest such as {@code sha256:e3b0...}: algorithm and lower-case hexadecimal value (OCI
 * image-spec 1.1, descriptor, "Digests").
 */
public record Digest(String algorithm, String hex) implements Comparable<Digest> {
  private static final Pattern SHA256 = Pattern.compile("[a-f0-9]{64}");
  private static final Pattern SHA512 = Pattern.compile("[a-f0-9]{128}");

  /** As text. */
  public static final JsonForm<Digest> JSON = JsonForm.text(Digest::parse);

  /**
   * @throws OciException if the algorithm is not registered or the value does not fit it
   */
  public Digest {
    boolean good =
        switch (algorithm) {
          case "sha256" -> SHA256.matcher(hex).matches();
          case "sha512" -> SHA512.matcher(hex).matches();
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
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /** A new hash of this digest's algorithm, to verify content with. */
  public MessageDigest newHash() {
    try {
      return MessageDigest.getInstance(algorithm.equals("sha512") ? "SHA-512" : "SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
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
