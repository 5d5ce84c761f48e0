package build.kiln.runtime.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.Signature;
import java.util.List;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyEncryptionContext;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgentTest {
  private static final byte[] DATA = {1, 2, 3};

  @TempDir Path folder;
  private KeyPair rsa;
  private Path file;

  @BeforeEach
  void makeAKey() throws Exception {
    var generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    rsa = generator.generateKeyPair();
    file = write("id_rsa", rsa, null);
  }

  private Path write(String name, KeyPair key, @Nullable String passphrase) throws Exception {
    Path path = folder.resolve(name);
    OpenSSHKeyEncryptionContext encryption = null;
    if (passphrase != null) {
      encryption = new OpenSSHKeyEncryptionContext();
      encryption.setPassword(passphrase);
      encryption.setCipherType("256");
    }
    try (OutputStream out = Files.newOutputStream(path)) {
      OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(key, "a key", encryption, out);
    }
    return path;
  }

  private Path socket() {
    return folder.resolve("agent");
  }

  /** A client of the protocol. */
  private record Client(SocketChannel channel, DataInputStream in, DataOutputStream out)
      implements AutoCloseable {
    static Client of(Path socket) throws IOException {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      channel.connect(UnixDomainSocketAddress.of(socket));
      return new Client(
          channel,
          new DataInputStream(Channels.newInputStream(channel)),
          new DataOutputStream(Channels.newOutputStream(channel)));
    }

    Buffer ask(Buffer request) throws IOException {
      byte[] bytes = request.getCompactData();
      out.writeInt(bytes.length);
      out.write(bytes);
      byte[] answer = new byte[in.readInt()];
      in.readFully(answer);
      return new ByteArrayBuffer(answer);
    }

    Buffer ask(int command) throws IOException {
      var request = new ByteArrayBuffer();
      request.putByte((byte) command);
      return ask(request);
    }

    Buffer sign(PublicKey key, int flags) throws IOException {
      var request = new ByteArrayBuffer();
      request.putByte((byte) 13);
      request.putPublicKey(key);
      request.putBytes(DATA);
      request.putUInt(flags);
      return ask(request);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, ssh-rsa, SHA1withRSA",
    "2, rsa-sha2-256, SHA256withRSA",
    "4, rsa-sha2-512, SHA512withRSA"
  })
  void keysSign(int flags, String name, String algorithm) throws Exception {
    try (var server = AgentServer.start(socket(), KeyAgent.ofFiles(List.of(file)));
        Client client = Client.of(socket())) {
      Buffer keys = client.ask(11);
      assertThat(keys.getUByte()).isEqualTo((short) 12);
      assertThat(keys.getUInt()).isEqualTo(1);
      assertThat(keys.getPublicKey()).isEqualTo(rsa.getPublic());

      Buffer answer = client.sign(rsa.getPublic(), flags);
      assertThat(answer.getUByte()).isEqualTo((short) 14);
      var signature = new ByteArrayBuffer(answer.getBytes());
      assertThat(signature.getString()).isEqualTo(name);
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(rsa.getPublic());
      verifier.update(DATA);
      assertThat(verifier.verify(signature.getBytes())).isTrue();
    }
    assertThat(socket()).doesNotExist();
  }

  @Test
  void whatChangesTheAgentOrIsNoRequestIsRefused() throws Exception {
    KeyPair other = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    try (var server = AgentServer.start(socket(), KeyAgent.ofFiles(List.of(file)));
        Client client = Client.of(socket())) {
      for (int command : new int[] {9, 17, 18, 19, 20, 22, 23, 25, 27, 13, 200}) {
        assertThat(client.ask(command).getUByte()).as("%d", command).isEqualTo((short) 5);
      }
      assertThat(client.sign(other.getPublic(), 4).getUByte()).isEqualTo((short) 5);
      assertThat(client.ask(11).getUByte()).isEqualTo((short) 12);
      client.out().writeInt(Integer.MAX_VALUE);
      assertThatThrownBy(() -> client.in().readInt()).isInstanceOf(EOFException.class);
    }
  }

  @Test
  void aRunningAgentIsRelayed() throws Exception {
    Path own = folder.resolve("own");
    try (var agent = AgentServer.start(own, KeyAgent.ofFiles(List.of(file)));
        var server = AgentServer.start(socket(), new RelayedAgent(own));
        Client first = Client.of(socket());
        Client second = Client.of(socket())) {
      assertThat(second.ask(11).getUByte()).isEqualTo((short) 12);
      assertThat(first.sign(rsa.getPublic(), 2).getUByte()).isEqualTo((short) 14);
      agent.close();
      assertThatThrownBy(() -> first.ask(11)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void closingEndsTheClients() throws Exception {
    var server = AgentServer.start(socket(), KeyAgent.ofFiles(List.of(file)));
    try (Client client = Client.of(socket())) {
      client.ask(11);
      server.close();
      assertThatThrownBy(() -> client.ask(11)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void filesThatAreOfNoUseAreNamed() throws Exception {
    Path locked = write("locked", rsa, "secret");
    assertThatThrownBy(() -> KeyAgent.ofFiles(List.of(locked)))
        .hasMessageContaining(locked + " asks for a passphrase");
    Path text = Files.writeString(folder.resolve("text"), "no key");
    assertThatThrownBy(() -> KeyAgent.ofFiles(List.of(text)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(text.toString());
  }

  @Test
  void pathsMayBeLong() throws Exception {
    Path own = Files.createDirectories(folder.resolve("x".repeat(120))).resolve("agent");
    try (var agent = AgentServer.start(own, KeyAgent.ofFiles(List.of(file)));
        var server = AgentServer.start(socket(), new RelayedAgent(own));
        Client client = Client.of(socket())) {
      assertThat(client.ask(11).getUByte()).isEqualTo((short) 12);
    }
    Path nowhere = folder.resolve("none/agent");
    assertThatThrownBy(() -> AgentServer.start(nowhere, new RelayedAgent(own)))
        .hasMessageContaining(nowhere.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa", "ecdsa", "ed25519"})
  void openSshMakesKeysThatItsOwnClientFinds(String type) throws Exception {
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/ssh-keygen"))
            && Files.isExecutable(Path.of("/usr/bin/ssh-add")),
        "this machine has no ssh-keygen and ssh-add (package openssh-client)");
    Path key = folder.resolve("made_" + type);
    run(List.of("ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", key.toString()));
    try (var server = AgentServer.start(socket(), KeyAgent.ofFiles(List.of(key)))) {
      String[] parts = Files.readString(folder.resolve("made_" + type + ".pub")).split(" ");
      assertThat(run(List.of("ssh-add", "-L"))).startsWith(parts[0] + " " + parts[1].strip());
      // Signs, and verifies what was signed.
      run(List.of("ssh-add", "-T", key + ".pub"));
    }
  }

  private String run(List<String> command) throws Exception {
    var builder =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectErrorStream(true);
    builder.environment().put("SSH_AUTH_SOCK", socket().toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as("%s: %s", command, output).isZero();
    return output;
  }
}
