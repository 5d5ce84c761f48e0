package build.kiln.runtime.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Private keys as openssl and cert-manager write them: PKCS#8 (RFC 5958), and the older forms of
 * RSA (PKCS#1, RFC 8017) and EC (SEC 1, RFC 5915), which are PKCS#8 with a frame around them.
 */
final class PemKeys {
  private static final Pattern BLOCK =
      Pattern.compile(
          "-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----(.*?)-----END \\1-----",
          Pattern.DOTALL);

  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 0x04;
  private static final int PARAMETERS = 0xa0;
  private static final byte[] VERSION = {2, 1, 0};

  /** rsaEncryption with its NULL. */
  private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");

  /** id-ecPublicKey. */
  private static final byte[] EC = HexFormat.of().parseHex("06072a8648ce3d0201");

  /**
   * Reads the first key of a text.
   *
   * @throws IOException saying what is wrong, without any of the text
   */
  static PrivateKey read(String pem) throws IOException {
    Matcher block = BLOCK.matcher(pem);
    if (!block.find()) {
      throw new IOException("it has no PRIVATE KEY block");
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(block.group(2).getBytes(StandardCharsets.UTF_8));
      return switch (block.group(1)) {
        case "RSA PRIVATE KEY" -> {
          if (block.group(2).contains("ENCRYPTED")) {
            throw encrypted();
          }
          yield key(frame(RSA, der));
        }
        case "EC PRIVATE KEY" -> key(frame(wrap(SEQUENCE, EC, curve(der)), der));
        case "PRIVATE KEY" -> key(der);
        default -> throw encrypted();
      };
    } catch (IllegalArgumentException | GeneralSecurityException e) {
      throw new IOException("its PRIVATE KEY block is damaged or of an unknown kind");
    }
  }

  private static IOException encrypted() {
    return new IOException(
        "its private key has a password, which nobody is there to type; write it without"
            + " (openssl pkey -in FILE -out client.key)");
  }

  private static PrivateKey key(byte[] pkcs8) throws GeneralSecurityException {
    GeneralSecurityException failure = new GeneralSecurityException("no algorithm");
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (GeneralSecurityException e) {
        failure = e;
      }
    }
    throw failure;
  }

  private static byte[] frame(byte[] algorithm, byte[] key) {
    return wrap(SEQUENCE, VERSION, algorithm, wrap(OCTET_STRING, key));
  }

  /** The curve's object identifier, with its tag and length, of an ECPrivateKey. */
  private static byte[] curve(byte[] der) throws GeneralSecurityException {
    try {
      int at = content(der, 0);
      at = end(der, at); // version
      at = end(der, at); // the key itself
      if ((der[at] & 0xff) == PARAMETERS) {
        int from = content(der, at);
        return Arrays.copyOfRange(der, from, end(der, at));
      }
    } catch (IndexOutOfBoundsException e) {
      throw new GeneralSecurityException("cut off", e);
    }
    throw new GeneralSecurityException("no curve");
  }

  private static int content(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
  }

  private static int end(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    int length = first;
    if (first >= 0x80) {
      length = 0;
      for (int i = 0; i < (first & 0x7f); i++) {
        length = length << 8 | der[at + 2 + i] & 0xff;
      }
    }
    return content(der, at) + length;
  }

  private static byte[] wrap(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    int length = content.size();
    if (length < 0x80) {
      out.write(length);
    } else if (length < 0x100) {
      out.writeBytes(new byte[] {(byte) 0x81, (byte) length});
    } else {
      out.writeBytes(new byte[] {(byte) 0x82, (byte) (length >> 8), (byte) length});
    }
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }

  private PemKeys() {}
}
