package build.kiln.runtime.registry;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** A certificate for loopback that is its own authority, made by the JDK's keytool. */
record TestCertificate(Certificate certificate, Key key) {
  private static final String PASSWORD = "changeit";

  static boolean canBeMade() {
    return Files.isExecutable(keytool());
  }

  private static Path keytool() {
    return Path.of(System.getProperty("java.home"), "bin", "keytool");
  }

  static TestCertificate make(Path folder, String name, String algorithm)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path keys = folder.resolve(name + ".p12");
    var command =
        List.of(
            keytool().toString(),
            "-genkeypair",
            "-alias",
            "a",
            "-keyalg",
            algorithm,
            "-dname",
            "CN=" + name,
            "-ext",
            "san=ip:127.0.0.1,dns:localhost",
            "-ext",
            "eku=serverAuth,clientAuth",
            "-storetype",
            "PKCS12",
            "-storepass",
            PASSWORD,
            "-keystore",
            keys.toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new AssertionError(said);
    }
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keys)) {
      store.load(in, PASSWORD.toCharArray());
    }
    return new TestCertificate(
        store.getCertificate("a"), store.getKey("a", PASSWORD.toCharArray()));
  }

  String certificatePem() throws GeneralSecurityException {
    return pem("CERTIFICATE", certificate.getEncoded());
  }

  String keyPem() {
    return pem("PRIVATE KEY", key.getEncoded());
  }

  /** The key as openssl's older commands write it: what PKCS#8 has in its last field. */
  String oldKeyPem() {
    byte[] der = key.getEncoded();
    // SEQUENCE, version, algorithm, OCTET STRING
    int at = header(der, 0);
    at = header(der, at) + 1;
    int algorithm = header(der, at);
    at = algorithm + (der[at + 1] & 0x7f);
    int from = header(der, at);
    if (key.getAlgorithm().equals("RSA")) {
      return pem("RSA PRIVATE KEY", Arrays.copyOfRange(der, from, der.length));
    }
    // Version and key of Java's ECPrivateKey, and behind them the curve, which the frame has here.
    int version = header(der, from);
    int octets = version + 3;
    byte[] fields = Arrays.copyOfRange(der, version, header(der, octets) + der[octets + 1]);
    int curve = algorithm + 9;
    byte[] oid = Arrays.copyOfRange(der, curve, at);
    var out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {0x30, (byte) (fields.length + 2 + oid.length)});
    out.writeBytes(fields);
    out.writeBytes(new byte[] {(byte) 0xa0, (byte) oid.length});
    out.writeBytes(oid);
    return pem("EC PRIVATE KEY", out.toByteArray());
  }

  private static int header(byte[] der, int at) {
    int length = der[at + 1] & 0xff;
    return at + 2 + (length < 0x80 ? 0 : length & 0x7f);
  }

  private static String pem(String kind, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(kind, Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der), kind);
  }
}
