package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.ImageBuildSpec.GitSource;
import build.kiln.runtime.context.ContextException.Code;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.shell.ProcessShellCommandFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over git:// and ssh, against git's own programs. */
class GitTransportsTest {
  @TempDir static Path shared;
  private static GitFixture repository;

  @TempDir Path scratch;
  @TempDir Path secret;

  @BeforeAll
  static void make() throws Exception {
    assumeTrue(GitFixture.isGitHere(), "git is not installed");
    repository = new GitFixture(shared);
  }

  private void assertFetches(String url, GitAccess access) throws IOException {
    assertThat(GitRemote.resolve(url, "v1.0", access)).isEqualTo(repository.first);
    var source = new GitSource(url, "feature/x", null, null);
    try (var context = GitContext.fetch(source, null, access, scratch)) {
      assertThat(context.revision()).contains(repository.feature);
      assertThat(Trees.text(context.tree(), "only")).isEqualTo("feature");
    }
    try (var context = GitContext.fetch(source, repository.first, access, scratch)) {
      assertThat(Trees.text(context.tree(), "Dockerfile")).isEqualTo("FROM first\n");
    }
  }

  private static void assertFails(
      Code code, String message, org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            ContextException.class, e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code))
        .hasMessageContaining(message);
  }

  @Test
  void fetchesFromAGitDaemon() throws Exception {
    String programs = GitFixture.git(shared, 0, "--exec-path");
    Path daemon = Path.of(programs, "git-daemon");
    assumeTrue(Files.isExecutable(daemon), "git-daemon is not installed");
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Process process =
        new ProcessBuilder(
                daemon.toString(),
                "--base-path=" + shared,
                "--export-all",
                "--informative-errors",
                "--listen=127.0.0.1",
                "--port=" + port,
                "--reuseaddr")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      await().ignoreExceptions().until(() -> connects(port));
      String base = "git://127.0.0.1:" + port;
      assertFetches(base + "/repo.git", GitAccess.anonymous());
      assertFails(
          Code.NOT_FOUND,
          "/none.git",
          () -> GitRemote.resolve(base + "/none.git", null, GitAccess.anonymous()));
    } finally {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
      process.waitFor();
    }
  }

  private static boolean connects(int port) throws IOException {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    }
  }

  private static SshServer sshd(KeyPair hostKey, PublicKey allowed) throws IOException {
    SshServer server = SshServer.setUpDefaultServer();
    server.setHost("127.0.0.1");
    server.setPort(0);
    server.setKeyPairProvider(KeyPairProvider.wrap(hostKey));
    server.setPublickeyAuthenticator(
        (user, key, session) -> user.equals("git") && KeyUtils.compareKeys(key, allowed));
    server.setCommandFactory(ProcessShellCommandFactory.INSTANCE);
    server.start();
    return server;
  }

  private static KeyPair key() throws Exception {
    var generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new java.security.spec.ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private void writeSecret(KeyPair key) throws Exception {
    try (var out = Files.newOutputStream(secret.resolve("ssh-privatekey"))) {
      OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(key, "test", null, out);
    }
  }

  private void writeKnownHost(int port, PublicKey key) throws IOException {
    Files.writeString(
        secret.resolve("known_hosts"),
        "[127.0.0.1]:" + port + " " + PublicKeyEntry.toString(key) + "\n");
  }

  @Test
  void fetchesOverSshFromAKnownHostOnly() throws Exception {
    KeyPair hostKey = key();
    KeyPair userKey = key();
    var access = GitAccess.anonymous().withSecret(secret);
    try (SshServer server = sshd(hostKey, userKey.getPublic())) {
      int port = server.getPort();
      String url = "ssh://127.0.0.1:" + port + shared + "/repo.git";
      writeSecret(userKey);
      assertFails(
          Code.SECRET_INCOMPLETE,
          "has no key known_hosts",
          () -> GitRemote.resolve(url, null, access));

      writeKnownHost(port, hostKey.getPublic());
      assertFetches(url, access);
      assertFails(
          Code.NOT_FOUND,
          "no such repository",
          () -> GitRemote.resolve(url.replace("repo.git", "none.git"), null, access));

      writeKnownHost(port, key().getPublic());
      assertFails(
          Code.UNAUTHORIZED,
          "host's key is not the one in known_hosts",
          () -> GitRemote.resolve(url, null, access));
      Files.writeString(secret.resolve("known_hosts"), "");
      assertFails(
          Code.UNAUTHORIZED,
          "host's key is not the one in known_hosts",
          () -> GitRemote.resolve(url, null, access));

      writeKnownHost(port, hostKey.getPublic());
      writeSecret(key());
      assertFails(
          Code.UNAUTHORIZED, "it refuses the key", () -> GitRemote.resolve(url, null, access));
      Files.writeString(secret.resolve("ssh-privatekey"), "no key");
      assertFails(Code.UNAUTHORIZED, "key", () -> GitRemote.resolve(url, null, access));
    }
  }
}
