package build.kiln.runtime.ssh;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.common.util.security.SecurityUtils;

/**
 * An agent of private keys from files. It lists keys and signs; what would change them it refuses,
 * since several steps share it.
 */
public final class KeyAgent implements AgentSource {
  private static final int FAILURE = 5;
  private static final int REQUEST_IDENTITIES = 11;
  private static final int IDENTITIES_ANSWER = 12;
  private static final int SIGN_REQUEST = 13;
  private static final int SIGN_RESPONSE = 14;
  private static final int RSA_SHA2_256 = 2;
  private static final int RSA_SHA2_512 = 4;

  /** As ssh-agent has it. */
  private static final int LONGEST_MESSAGE = 256 * 1024;

  private final List<Key> keys;

  private static final class Locked extends IOException {}

  private record Key(KeyPair pair, String comment) {}

  private KeyAgent(List<Key> keys) {
    this.keys = List.copyOf(keys);
  }

  /**
   * Reads private keys in the formats of OpenSSH and PEM.
   *
   * @throws IOException if a file cannot be read, is no private key, or asks for a passphrase; the
   *     message names the file
   */
  public static KeyAgent ofFiles(List<Path> files) throws IOException {
    List<Key> keys = new ArrayList<>();
    for (Path file : files) {
      read(file).forEach(pair -> keys.add(new Key(pair, String.valueOf(file.getFileName()))));
    }
    return new KeyAgent(keys);
  }

  private static List<KeyPair> read(Path file) throws IOException {
    List<KeyPair> found = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      Iterable<KeyPair> keys =
          SecurityUtils.loadKeyPairIdentities(
              null,
              NamedResource.ofName(file.toString()),
              in,
              (session, resource, retry) -> {
                throw new Locked();
              });
      if (keys != null) {
        keys.forEach(found::add);
      }
    } catch (Locked e) {
      throw new IOException(
          file + " asks for a passphrase: add it to an SSH agent and name that", e);
    } catch (IOException | GeneralSecurityException e) {
      throw new IOException(file + " cannot be read as a private key: " + e.getMessage(), e);
    }
    if (found.isEmpty()) {
      throw new IOException(file + " is no private key");
    }
    return found;
  }

  @Override
  public void serve(SocketChannel client) throws IOException {
    var in = new DataInputStream(Channels.newInputStream(client));
    var out = new DataOutputStream(Channels.newOutputStream(client));
    while (true) {
      int length;
      try {
        length = in.readInt();
      } catch (EOFException e) {
        return;
      }
      if (length < 1 || length > LONGEST_MESSAGE) {
        throw new IOException("a message of %d bytes to the SSH agent".formatted(length));
      }
      byte[] message = new byte[length];
      in.readFully(message);
      Buffer answer = answer(new ByteArrayBuffer(message));
      byte[] bytes = answer.getCompactData();
      out.writeInt(bytes.length);
      out.write(bytes);
      out.flush();
    }
  }

  private Buffer answer(Buffer message) {
    try {
      return switch (message.getUByte()) {
        case REQUEST_IDENTITIES -> identities();
        case SIGN_REQUEST -> sign(message);
        default -> failure();
      };
    } catch (Exception e) {
      // Malformed, or a key that cannot sign like this.
      return failure();
    }
  }

  private static Buffer failure() {
    var answer = new ByteArrayBuffer();
    answer.putByte((byte) FAILURE);
    return answer;
  }

  private Buffer identities() {
    var answer = new ByteArrayBuffer();
    answer.putByte((byte) IDENTITIES_ANSWER);
    answer.putUInt(keys.size());
    for (Key key : keys) {
      answer.putPublicKey(key.pair.getPublic());
      answer.putString(key.comment);
    }
    return answer;
  }

  private Buffer sign(Buffer message) throws Exception {
    PublicKey wanted = message.getPublicKey();
    byte[] data = message.getBytes();
    String algorithm = algorithm(KeyUtils.getKeyType(wanted), message.getInt());
    Key key = null;
    for (Key candidate : keys) {
      if (KeyUtils.compareKeys(candidate.pair.getPublic(), wanted)) {
        key = candidate;
      }
    }
    BuiltinSignatures signatures = BuiltinSignatures.fromFactoryName(algorithm);
    if (key == null || signatures == null) {
      return failure();
    }
    Signature signer = signatures.create();
    signer.initSigner(null, key.pair.getPrivate());
    signer.update(null, data);
    var signature = new ByteArrayBuffer();
    signature.putString(algorithm);
    signature.putBytes(signer.sign(null));
    var answer = new ByteArrayBuffer();
    answer.putByte((byte) SIGN_RESPONSE);
    answer.putBytes(signature.getCompactData());
    return answer;
  }

  private static String algorithm(String keyType, int flags) {
    if (!keyType.equals(KeyPairProvider.SSH_RSA)) {
      return keyType;
    }
    if ((flags & RSA_SHA2_512) != 0) {
      return KeyUtils.RSA_SHA512_KEY_TYPE_ALIAS;
    }
    return (flags & RSA_SHA2_256) != 0 ? KeyUtils.RSA_SHA256_KEY_TYPE_ALIAS : keyType;
  }
}
